resource "google_container_cluster" "runtimes" {
  # checkov:skip=CKV_GCP_12:Autopilot always enforces network policies, with Dataplane V2; the block is Standard's.
  # checkov:skip=CKV_GCP_20:The IP endpoints are off; nobody reaches the control plane but by IAM at its DNS name.
  # checkov:skip=CKV_GCP_21:Labels come from the provider's default_labels.
  # checkov:skip=CKV_GCP_61:Autopilot turns intranode visibility on and does not let it be set.
  # checkov:skip=CKV_GCP_65:Access is granted to service accounts by IAM; no groups are bound in the cluster.
  # checkov:skip=CKV_GCP_66:Binary authorization is the operator's choice (`binary_authorization`): its policy is the project's, which other clusters may share.
  # checkov:skip=CKV_GCP_69:Autopilot nodes always run GKE's metadata server.
  project             = var.project
  name                = var.name
  description         = "Runtimes of installed providers, a namespace for each organization."
  location            = var.region
  enable_autopilot    = true
  network             = var.network.network
  subnetwork          = var.network.subnetwork
  deletion_protection = var.deletion_protection

  ip_allocation_policy {
    cluster_secondary_range_name  = var.network.pods_range
    services_secondary_range_name = var.network.services_range
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
    workload_pool = "${var.project}.svc.id.goog"
  }

  cluster_autoscaling {
    auto_provisioning_defaults {
      service_account   = var.node_account
      boot_disk_kms_key = var.kms_key
      oauth_scopes      = ["https://www.googleapis.com/auth/cloud-platform"]
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

  dynamic "binary_authorization" {
    for_each = var.binary_authorization ? [true] : []
    content {
      evaluation_mode = "PROJECT_SINGLETON_POLICY_ENFORCE"
    }
  }

  # Secrets, in the cluster's own store, are encrypted once more with a key of ours.
  dynamic "database_encryption" {
    for_each = var.kms_key == null ? [] : [var.kms_key]
    content {
      state    = "ENCRYPTED"
      key_name = database_encryption.value
    }
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
}
