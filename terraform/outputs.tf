# Made by `python -m terraform.tools.root` from modules/hub: change it there, and run `make generate`.

output "address" {
  description = "The load balancer's address, for the A record of `domain`; null without one."
  value       = module.hub.address
}

output "api_url" {
  description = "Where callers find the API; with a domain it answers once the certificate is issued."
  value       = module.hub.api_url
}

output "audit_writer" {
  description = "The identity that writes to `audit.sink`, which must be let in there; null without a sink."
  value       = module.hub.audit_writer
}

output "build" {
  description = "What deploy.sh needs to build the runtime image: its name (null where runtime_image is given), the account that builds, and the bucket that this account may read the sources from."
  value       = module.hub.build
}

output "cells" {
  description = "Every cell's cluster, as the output `cluster` gives that of the cell default, and the cell's weight."
  value       = module.hub.cells
}

output "check_in_topic" {
  description = "Full name of the topic that runtimes check in at."
  value       = module.hub.check_in_topic
}

output "cluster" {
  description = "The cluster, for `gcloud container clusters get-credentials --dns-endpoint`, and its control plane's host name."
  value       = module.hub.cluster
}

output "cluster_access" {
  description = "What tools/rbac.py makes the cluster's roles from: the hub's id, and the accounts that read and write; null where IAM alone decides."
  value       = module.hub.cluster_access
}

output "console_url" {
  description = "Where people open the web console; null without one. It is also the redirect URI of its OAuth application."
  value       = module.hub.console_url
}

output "dashboard" {
  description = "The dashboard in the console."
  value       = module.hub.dashboard
}

output "database" {
  description = "Id of the Firestore database."
  value       = module.hub.database
}

output "dns_records" {
  description = "The DNS records of the API's host names: addresses, and proofs that the names are yours, which certificates are issued by before any traffic comes."
  value       = module.hub.dns_records
}

output "egress_addresses" {
  description = "The reserved addresses that runtimes, and functions with egress through the network, come from."
  value       = module.hub.egress_addresses
}

output "samples" {
  description = "Where deploy.sh puts the smoke test's wheel: the bucket, and the account that signs its URL."
  value       = module.hub.samples
}
