// Package quotas takes look-ups of Service Quotas and answers them with the vCPUs that an account may have running, by kind of compute.
//
// It keeps nothing: the numbers are those of an account that AWS has raised, or what a fault script says.
package quotas
