locals {
  cluster_endpoint = "https://${google_container_cluster.runtimes.control_plane_endpoints_config[0].dns_endpoint_config[0].endpoint}"

  # Every pod of this one cluster, whichever namespace and service account: runtimes need no key and no account of ours.
  runtimes = "principalSet://iam.googleapis.com/projects/${local.number}/locations/global/workloadIdentityPools/${var.project}.svc.id.goog/kubernetes.cluster/https://container.googleapis.com/v1/${google_container_cluster.runtimes.id}"
}

resource "google_container_cluster" "runtimes" {
  # checkov:skip=CKV_GCP_12:Autopilot always enforces network policies, with Dataplane V2; the block is Standard's.
  # checkov:skip=CKV_GCP_20:The IP endpoints are off; nobody reaches the control plane but by IAM at its DNS name.
  # checkov:skip=CKV_GCP_21:Labels come from the provider's default_labels.
  # checkov:skip=CKV_GCP_61:Autopilot turns intranode visibility on and does not let it be set.
  # checkov:skip=CKV_GCP_65:Access is granted to service accounts by IAM; no groups are bound in the cluster.
  # checkov:skip=CKV_GCP_66:Binary authorization needs attestations that an image from a publisher's own entrypoint build does not have; images are pinned instead.
  # checkov:skip=CKV_GCP_69:Autopilot nodes always run GKE's metadata server.
  project             = local.project
  name                = var.name
  description         = "Runtimes of installed providers, a namespace for each organization."
  location            = var.region
  enable_autopilot    = true
  network             = google_compute_network.this.id
  subnetwork          = google_compute_subnetwork.nodes.id
  deletion_protection = var.deletion_protection

  ip_allocation_policy {
    cluster_secondary_range_name  = "pods"
    services_secondary_range_name = "services"
  }

  private_cluster_config {
    enable_private_nodes    = true
    enable_private_endpoint = true # what the API reports without IP endpoints; anything else is a difference in every plan
  }

  # Functions are outside the network: they come by name, and IAM alone says who may.
  control_plane_endpoints_config {
    dns_endpoint_config {
      allow_external_traffic = true
    }
    ip_endpoints_config {
      enabled = false
    }
  }

  workload_identity_config {
    workload_pool = "${local.project}.svc.id.goog"
  }

  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account = google_service_account.nodes.email
      oauth_scopes    = ["https://www.googleapis.com/auth/cloud-platform"]
    }
  }

  master_auth {
    client_certificate_config {
      issue_client_certificate = false
    }
  }

  # A namespaced role bound to everyone who has a Google account would undo the IAM above.
  rbac_binding_config {
    enable_insecure_binding_system_authenticated   = false
    enable_insecure_binding_system_unauthenticated = false
  }

  release_channel {
    channel = "REGULAR"
  }

  maintenance_policy {
    recurring_window {
      start_time = "2025-01-04T01:00:00Z"
      end_time   = "2025-01-04T07:00:00Z"
      recurrence = "FREQ=WEEKLY;BYDAY=SA,SU"
    }
  }

  security_posture_config {
    mode = "BASIC" # workload vulnerability scanning was shut down in 2025: its tiers can no longer be enabled
  }

  depends_on = [
    google_project_iam_member.nodes,
    google_compute_router_nat.this,
  ]
}
