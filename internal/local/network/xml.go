package network

import "encoding/xml"

// EC2's own names of elements are not those of the SDK's fields, so its answers are spelled out here.

type vpcsAnswer struct {
	XMLName xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeVpcsResponse"`
	VPCs    []vpc    `xml:"vpcSet>item"`
}

type vpc struct {
	VPCID   string `xml:"vpcId"`
	Owner   string `xml:"ownerId"`
	State   string `xml:"state"`
	CIDR    string `xml:"cidrBlock"`
	Tenancy string `xml:"instanceTenancy"`
	Default bool   `xml:"isDefault"`
}

type subnetsAnswer struct {
	XMLName xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeSubnetsResponse"`
	Subnets []subnet `xml:"subnetSet>item"`
}

type subnet struct {
	SubnetID       string `xml:"subnetId"`
	VPCID          string `xml:"vpcId"`
	Owner          string `xml:"ownerId"`
	State          string `xml:"state"`
	CIDR           string `xml:"cidrBlock"`
	Free           int    `xml:"availableIpAddressCount"`
	Zone           string `xml:"availabilityZone"`
	DefaultForZone bool   `xml:"defaultForAz"`
	PublicIP       bool   `xml:"mapPublicIpOnLaunch"`
}

type groupsAnswer struct {
	XMLName xml.Name `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeSecurityGroupsResponse"`
	Groups  []group  `xml:"securityGroupInfo>item"`
}

type group struct {
	GroupID     string       `xml:"groupId"`
	Name        string       `xml:"groupName"`
	Description string       `xml:"groupDescription"`
	VPCID       string       `xml:"vpcId"`
	Owner       string       `xml:"ownerId"`
	In          []permission `xml:"ipPermissions>item"`
	Out         []permission `xml:"ipPermissionsEgress>item"`
}

type permission struct {
	Protocol string      `xml:"ipProtocol"`
	Groups   []groupPair `xml:"groups>item"`
	Ranges   []cidrRange `xml:"ipRanges>item"`
}

type groupPair struct {
	Account string `xml:"userId"`
	GroupID string `xml:"groupId"`
}

type cidrRange struct {
	CIDR string `xml:"cidrIp"`
}

type offeringsAnswer struct {
	XMLName   xml.Name   `xml:"http://ec2.amazonaws.com/doc/2016-11-15/ DescribeInstanceTypeOfferingsResponse"`
	Offerings []offering `xml:"instanceTypeOfferingSet>item"`
}

type offering struct {
	Type         string `xml:"instanceType"`
	LocationType string `xml:"locationType"`
	Location     string `xml:"location"`
}
