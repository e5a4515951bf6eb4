locals {
  # Without a domain of one's own: a public DNS service that answers every name with the address in it. For a trial.
  host = coalesce(var.domain, "${replace(google_compute_global_address.gateway.address, ".", "-")}.sslip.io")

  # The longest match wins, so that /providers/installed is never a provider called installed.
  paths = { for name, function in local.functions : name => function.triggers.http.paths if function.public }
}

resource "google_compute_global_address" "gateway" {
  project = local.project
  name    = var.name
}

resource "google_compute_region_network_endpoint_group" "function" {
  for_each = local.paths

  project               = local.project
  name                  = "${var.name}-${replace(each.key, "_", "-")}"
  region                = var.region
  network_endpoint_type = "SERVERLESS"

  cloud_run {
    service = module.function[each.key].service
  }
}

resource "google_compute_backend_service" "function" {
  for_each = local.paths

  project               = local.project
  name                  = "${var.name}-${replace(each.key, "_", "-")}"
  load_balancing_scheme = "EXTERNAL_MANAGED"
  protocol              = "HTTPS"
  security_policy       = google_compute_security_policy.gateway.id

  backend {
    group = google_compute_region_network_endpoint_group.function[each.key].id
  }

  log_config {
    enable      = true
    sample_rate = 1
  }
}

resource "google_compute_security_policy" "gateway" {
  project     = local.project
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
  project         = local.project
  name            = var.name
  default_service = google_compute_backend_service.function["operations"].id # answers any other path with its 404

  host_rule {
    hosts        = [local.host]
    path_matcher = "functions"
  }

  path_matcher {
    name            = "functions"
    default_service = google_compute_backend_service.function["operations"].id

    dynamic "path_rule" {
      for_each = local.paths
      content {
        paths   = path_rule.value
        service = google_compute_backend_service.function[path_rule.key].id
      }
    }
  }
}

resource "google_compute_managed_ssl_certificate" "gateway" {
  project = local.project
  # The name goes with the host: a certificate in use is replaced by another one beside it.
  name = "${var.name}-${substr(sha256(local.host), 0, 8)}"

  managed {
    domains = [local.host]
  }

  lifecycle {
    create_before_destroy = true
  }
}

resource "google_compute_ssl_policy" "gateway" {
  project         = local.project
  name            = var.name
  profile         = "RESTRICTED"
  min_tls_version = "TLS_1_2"
}

resource "google_compute_target_https_proxy" "gateway" {
  project          = local.project
  name             = var.name
  url_map          = google_compute_url_map.gateway.id
  ssl_certificates = [google_compute_managed_ssl_certificate.gateway.id]
  ssl_policy       = google_compute_ssl_policy.gateway.id
}

resource "google_compute_global_forwarding_rule" "https" {
  project               = local.project
  name                  = var.name
  target                = google_compute_target_https_proxy.gateway.id
  ip_address            = google_compute_global_address.gateway.id
  port_range            = "443"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}

# Plain HTTP is told where to go and served nothing.
resource "google_compute_url_map" "redirect" {
  project = local.project
  name    = "${var.name}-redirect"

  default_url_redirect {
    https_redirect         = true
    strip_query            = false
    redirect_response_code = "MOVED_PERMANENTLY_DEFAULT"
  }
}

resource "google_compute_target_http_proxy" "redirect" {
  project = local.project
  name    = "${var.name}-redirect"
  url_map = google_compute_url_map.redirect.id
}

resource "google_compute_global_forwarding_rule" "http" {
  project               = local.project
  name                  = "${var.name}-redirect"
  target                = google_compute_target_http_proxy.redirect.id
  ip_address            = google_compute_global_address.gateway.id
  port_range            = "80"
  load_balancing_scheme = "EXTERNAL_MANAGED"
}
