package account

// managedPolicies are those of AWS's own policies that a role of jobs, of their start or of instances may want, by ARN. They are shortened
// to what the embedded AWS offers: https://docs.aws.amazon.com/aws-managed-policy/latest/reference/policy-list.html
var managedPolicies = map[string]string{
	"arn:aws:iam::aws:policy/AdministratorAccess":              allows(`"*"`),
	"arn:aws:iam::aws:policy/AmazonS3FullAccess":               allows(`"s3:*"`),
	"arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess":           allows(`["s3:Get*","s3:List*"]`),
	"arn:aws:iam::aws:policy/CloudWatchLogsFullAccess":         allows(`"logs:*"`),
	"arn:aws:iam::aws:policy/service-role/AWSBatchServiceRole": allows(`["ec2:Describe*","iam:GetInstanceProfile","iam:GetRole","ecs:*","logs:*"]`),
	"arn:aws:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy": allows(
		`["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"]`),
	"arn:aws:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role": allows(
		`["ecr:GetAuthorizationToken","ecr:BatchCheckLayerAvailability","ecr:GetDownloadUrlForLayer","ecr:BatchGetImage","logs:CreateLogStream","logs:PutLogEvents"]`),
}

// allows is a policy that allows actions, a string or list of JSON, on everything.
func allows(actions string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"*"}]}`
}
