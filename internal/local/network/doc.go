// Package network takes look-ups of EC2 and answers them from one region's default VPC, with its subnets and security group; and it keeps launch
// templates, in a file.
//
// Ids of the network follow from account and region. Anything that would change it is refused as unknown.
// Element names are those of the EC2 API reference: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
package network
