"""The entry of a kedroctl job: one group of nodes of a Kedro project, run in a container of AWS Batch."""
