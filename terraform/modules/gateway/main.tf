locals {
  # Without a domain of one's own: a public DNS service that answers every name with the address in it. For a trial.
  hosts = length(var.domains) > 0 ? var.domains : ["${replace(google_compute_global_address.gateway.address, ".", "-")}.sslip.io"]

  # One certificate a host, by a key that is known while planning: adding a host changes nothing of the others.
  keys         = length(var.domains) > 0 ? var.domains : ["trial"]
  certificates = { for index, key in local.keys : key => { host = local.hosts[index], name = "${var.name}-${substr(sha256(key), 0, 8)}" } }

  # The longest match wins, so that /providers/installed is never a provider called installed.
  paths = { for name, function in var.functions : name => function.paths }
}

resource "google_compute_global_address" "gateway" {
  project = var.project
  name    = var.name
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each = local.paths

  project               = var.project
  name                  = "${var.name}-${replace(each.key, "_", "-")}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = var.functions[each.key].service
  }
}

resource "google_compute_backend_service" "function" {
  for_each = local.paths

  project               = var.project
  name                  = "${var.name}-${replace(each.key, "_", "-")}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.gateway.id

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = var.log_sample_rate
  }
}

# Nothing of it reaches a function, so it is outside of the rate limit, which is there for them. Google refuses to
# delete a backend that a URL map names. So the map changes first. No change replaces this one: its arguments change in place.
resource "google_compute_backend_bucket" "console" {
  count = var.console == null ? 0 : 1

  project                 = var.project
  name                    = "${var.name}-console"
  bucket_name             = var.console.bucket
  custom_response_headers = [for name, value in var.console.headers : "${name}: ${value}"]

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_security_policy" "gateway" {
  project     = var.project
  name        = var.name
  description = "How often one client may call."

  # Nothing here is Java; scanners that try it anyway are turned away before they cost an instance.
  rule {
    action      = "deny(403)"
    priority    = 100
    description = "Log4j lookups and their kind."
    match {
      expr {
        expression = "evaluatePreconfiguredWaf('cve-canary')"
      }
    }
  }

  rule {
    action      = "throttle"
    priority    = 1000
    description = "Requests a minute from one address."

    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }

    rate_limit_options {
      conform_action = "allow"
      exceed_action  = "deny(429)"
      enforce_on_key = "IP"

      rate_limit_threshold {
        count        = var.rate_limit
        interval_sec = 60
      }
    }
  }

  rule {
    action      = "allow"
    priority    = 2147483647
    description = "Everyone else; the functions check tokens."
    match {
      versioned_expr = "SRC_IPS_V1"
      config {
        src_ip_ranges = ["*"]
      }
    }
  }
}

resource "google_compute_url_map" "gateway" {
  project         = var.project
  name            = var.name
  default_service = google_compute_backend_service.function[var.default_function].id # answers any other path with its 404

  host_rule {
    hosts        = local.hosts
    path_matcher = "functions"
  }

  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_service.function[var.default_function].id

    dynamic "path_rule" {
      for_each = local.paths
      content {
        paths   = path_rule.value
        service = google_compute_backend_service.function[path_rule.key].id
      }
    }

    dynamic "path_rule" {
      for_each = google_compute_backend_bucket.console
      content {
        paths   = ["/app/*"]
        service = path_rule.value.id
      }
    }

    dynamic "path_rule" {
      for_each = google_compute_backend_bucket.console
      content {
        paths = ["/", "/app"]
        url_redirect {
          path_redirect          = "/app/"
          https_redirect         = true
          strip_query            = true
          redirect_response_code = "FOUND"
        }
      }
    }
  }
}

# Proves by a DNS record that the domain is ours, so that its certificate is issued before any traffic comes here.
resource "google_certificate_manager_dns_authorization" "gateway" {
  for_each = toset(var.domains)

  project     = var.project
  name        = local.certificates[each.key].name
  description = "That ${each.key} is ours."
  domain      = each.key
}

# Without a domain the load balancer itself proves it, which takes until its address answers.
resource "google_certificate_manager_certificate" "gateway" {
  for_each = local.certificates

  project     = var.project
  name        = each.value.name
  description = "The API at ${each.key}."

  managed {
    domains            = [each.value.host]
    dns_authorizations = length(var.domains) > 0 ? [google_certificate_manager_dns_authorization.gateway[each.key].id] : null
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_certificate_manager_certificate_map" "gateway" {
  project     = var.project
  name        = var.name
  description = "Certificates of the API's host names."
}

resource "google_certificate_manager_certificate_map_entry" "gateway" {
  for_each = local.certificates

  project      = var.project
  name         = each.value.name
  map          = google_certificate_manager_certificate_map.gateway.name
  hostname     = each.value.host
  certificates = [google_certificate_manager_certificate.gateway[each.key].id]
}

resource "google_compute_ssl_policy" "gateway" {
  project         = var.project
  name            = var.name
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "gateway" {
  project         = var.project
  name            = var.name
  url_map         = google_compute_url_map.gateway.id
  certificate_map = "//certificatemanager.googleapis.com/${google_certificate_manager_certificate_map.gateway.id}"
  ssl_policy      = google_compute_ssl_policy.gateway.id
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = var.project
  name                  = var.name
  target                = google_compute_target_https_proxy.gateway.id
  ip_address            = google_compute_global_address.gateway.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

# Plain HTTP is told where to go and served nothing.
resource "google_compute_url_map" "redirect" {
  project = var.project
  name    = "${var.name}-redirect"

  default_url_redirect {
    https_redirect         = true
    strip_query            = false
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = var.project
  name    = "${var.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = var.project
  name                  = "${var.name}-redirect"
  target                = google_compute_target_http_proxy.redirect.id
  ip_address            = google_compute_global_address.gateway.id
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
