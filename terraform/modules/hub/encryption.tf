# Keys of one's own (CMEK) for every store that takes one. Cloud Tasks takes one for a whole project and region, by
# `gcloud tasks cmek-config update` and by no resource of the provider; a task here names an installation and holds no secret.
locals {
  # The agents of the services that encrypt with it.
  key_users = var.encryption == null ? {} : {
    artifactregistry = "service-${local.number}@gcp-sa-artifactregistry.iam.gserviceaccount.com"
    compute          = "service-${local.number}@compute-system.iam.gserviceaccount.com"
    container        = "service-${local.number}@container-engine-robot.iam.gserviceaccount.com"
    pubsub           = "service-${local.number}@gcp-sa-pubsub.iam.gserviceaccount.com"
    run              = "service-${local.number}@serverless-robot-prod.iam.gserviceaccount.com"
    secretmanager    = "service-${local.number}@gcp-sa-secretmanager.iam.gserviceaccount.com"
    storage          = data.google_storage_project_service_account.this[0].email_address
  }

  # By way of the wait: a store that is made with a key before its agent may use it is refused.
  kms_key      = one(time_sleep.key_grants[*].triggers.key)
  database_key = one(time_sleep.key_grants[*].triggers.database_key)
}

# Cloud Storage's agent exists only once somebody has asked for it, and no service identity of the provider makes it.
data "google_storage_project_service_account" "this" {
  count = var.encryption == null ? 0 : 1

  project = local.project
}

# a service encrypts and decrypts its store with the operator's key
resource "google_kms_crypto_key_iam_member" "key_users" {
  for_each = try(var.encryption.grants, false) ? local.key_users : {}

  crypto_key_id = var.encryption.key
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:${each.value}"

  depends_on = [google_project_service_identity.agent]
}

# Firestore encrypts and decrypts the database with the operator's key
resource "google_kms_crypto_key_iam_member" "database_key_user" {
  count = try(var.encryption.grants, false) ? 1 : 0

  crypto_key_id = coalesce(var.encryption.database_key, var.encryption.key)
  role          = "roles/cloudkms.cryptoKeyEncrypterDecrypter"
  member        = "serviceAccount:service-${local.number}@gcp-sa-firestore.iam.gserviceaccount.com"

  depends_on = [google_project_service_identity.agent]
}

resource "time_sleep" "key_grants" {
  count = var.encryption == null ? 0 : 1

  create_duration = "60s"
  triggers = {
    key          = var.encryption.key
    database_key = coalesce(var.encryption.database_key, var.encryption.key)
  }

  depends_on = [google_kms_crypto_key_iam_member.key_users, google_kms_crypto_key_iam_member.database_key_user]
}
