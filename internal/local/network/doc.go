// Package network takes look-ups of EC2 and answers them from one region's default VPC, with its subnets and security group.
//
// It keeps nothing: ids follow from account and region. Anything that would change a network is refused as unknown.
// Element names are those of the EC2 API reference: https://docs.aws.amazon.com/AWSEC2/latest/APIReference/
package network
