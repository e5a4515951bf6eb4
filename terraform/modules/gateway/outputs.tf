output "address" {
  description = "The load balancer's address."
  value       = google_compute_global_address.gateway.address
}

output "dns_records" {
  description = "The DNS records to make: an address, and the proof of ownership, of each host name."
  value = concat(
    [for host in var.domains : { name = "${host}.", type = "A", data = google_compute_global_address.gateway.address }],
    [for authorization in google_certificate_manager_dns_authorization.gateway : {
      name = authorization.dns_resource_record[0].name
      type = authorization.dns_resource_record[0].type
      data = authorization.dns_resource_record[0].data
    }],
  )
}

output "host" {
  description = "The API's host name, once requests to it are forwarded."
  value       = local.hosts[0]
  depends_on  = [google_compute_global_forwarding_rule.https]
}

output "host_name" {
  description = "The API's host name, before anything answers there."
  value       = local.hosts[0]
}

output "url_map" {
  description = "Name of the URL map, by which the load balancer's metrics are told apart."
  value       = google_compute_url_map.gateway.name
}
