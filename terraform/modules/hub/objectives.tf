# The service level objectives, over 28 days; README.md says why these.
resource "google_monitoring_custom_service" "this" {
  project      = local.project
  service_id   = var.name
  display_name = "Provider Hub ${var.name}"
}

resource "google_monitoring_slo" "available" {
  project             = local.project
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = "available"
  display_name        = "99.9 % of requests are answered, not with a 5xx"
  goal                = 0.999
  rolling_period_days = 28

  request_based_sli {
    good_total_ratio {
      total_service_filter = local.requests
      bad_service_filter   = local.errors
    }
  }
}

# Only where no caller meets a cold start: with min_instances = 0 the objective would be missed from the first day on.
resource "google_monitoring_slo" "prompt" {
  count = local.is_warm ? 1 : 0

  project             = local.project
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = "prompt"
  display_name        = "99 % of requests are answered within a second"
  goal                = 0.99
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = local.latency
      range {
        min = 0
        max = 1000
      }
    }
  }
}

resource "google_monitoring_slo" "ready" {
  project             = local.project
  service             = google_monitoring_custom_service.this.service_id
  slo_id              = "ready"
  display_name        = "95 % of installs that get READY do so within 2 minutes"
  goal                = 0.95
  rolling_period_days = 28

  request_based_sli {
    distribution_cut {
      distribution_filter = "resource.type=\"cloud_run_revision\" AND metric.type=\"${local.metrics.seconds_to_ready}\""
      range {
        min = 0
        max = 120
      }
    }
  }
}
