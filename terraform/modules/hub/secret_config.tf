# What tenants' secret config values are sealed with. Each write's own data key is wrapped by this one, and lies beside the value
# in the database: whoever reads documents or backups reads no value. Who takes values may encrypt, and who applies them to the
# cluster may decrypt.
resource "google_kms_key_ring" "this" {
  project  = local.project
  name     = join("-", compact([var.name, var.suffix])) # a deleted ring's name stays blocked for ever
  location = var.region
}

resource "google_kms_crypto_key" "config_values" {
  # checkov:skip=CKV_GCP_82:deploy.sh refuses a plan that destroys a key, and Cloud KMS keeps its versions for 30 days; prevent_destroy would stop `make destroy` too.
  name     = "${var.name}-config-values"
  key_ring = google_kms_key_ring.this.id
  labels   = local.labels

  # Values that were sealed before stay as they are, and older versions of the key open them.
  rotation_period            = "7776000s"
  destroy_scheduled_duration = "2592000s"
}
