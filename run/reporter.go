package run

// Reporter hears what happens to a run, from one goroutine, as it is seen.
type Reporter interface {
	Started(Run)   // the run has its id, and no job yet
	Submitted(Job) // Batch accepted a job
	Changed(Job)   // state, reason or attempt of a job changed
	Failed(Failure)
	Notice(Notice)
}

// Codes of notices.
const (
	NoticeLate     = "late"     // groups that are submitted later: the driver has to stay
	NoticeLeave    = "leave"    // from now on the driver may leave
	NoticeStopping = "stopping" // a group failed: what becomes of the others
	NoticeMemory   = "memory"   // a job ran out of memory: what its next try gets
	NoticeTimeout  = "timeout"  // a job has used most of its time
	NoticeTrouble  = "trouble"  // a service could not be reached: tried again

	NoticeResume    = "resume"    // a group runs again: why
	NoticeCancelled = "cancelled" // somebody has cancelled the run
)

// Notice is something else that a user wants to know while a run goes on.
type Notice struct {
	Code string `json:"code"`
	Text string `json:"text"`
}
