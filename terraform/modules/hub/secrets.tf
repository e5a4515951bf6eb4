locals {
  # Secrets by name, and the environment variable a function finds each in.
  secrets = {
    check-in-keys = { variable = "HUB_CHECK_IN_KEYS" }
  }

  # Secrets that an operator made by hand, so that no plan, state or log of Terraform's ever holds what is in them. A
  # function gets the names, and Cloud Run the values.
  handed_in = {
    image-logins = { variable = "HUB_IMAGE_PULL_CREDENTIALS", given = var.image_pull_credentials }
    index-logins = { variable = "HUB_INDEX_CREDENTIALS", given = var.index_credentials }
  }
}

# 256 bits or more each, made by Terraform and kept by Secret Manager alone: neither plan nor state ever holds one.
ephemeral "random_password" "check_in_key" {
  for_each = toset(var.check_in_keys)

  length  = 43 # letters and digits, of 5.95 bits each
  special = false
}

# A secret of its own for each key, written once. The functions read the list of them all, below, which is put together
# from these whenever a key is added, or takes another's place.
resource "google_secret_manager_secret" "check_in_key" {
  for_each = toset(var.check_in_keys)

  project   = local.project
  secret_id = "${var.name}-check-in-key-${each.key}"

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = local.kms_key == null ? [] : [local.kms_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
}

resource "google_secret_manager_secret_version" "check_in_key" {
  for_each = toset(var.check_in_keys)

  secret                 = google_secret_manager_secret.check_in_key[each.key].id
  secret_data_wo         = ephemeral.random_password.check_in_key[each.key].result
  secret_data_wo_version = 1 # never written again: what runs holds tokens of it
}

# Read while planning too, so that whoever plans may read these secrets.
ephemeral "google_secret_manager_secret_version" "check_in_key" {
  for_each = toset(var.check_in_keys)

  project = local.project
  secret  = google_secret_manager_secret.check_in_key[each.key].secret_id
  version = google_secret_manager_secret_version.check_in_key[each.key].version
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  project   = local.project
  secret_id = "${var.name}-${each.key}"

  replication {
    user_managed {
      replicas {
        location = var.region

        dynamic "customer_managed_encryption" {
          for_each = local.kms_key == null ? [] : [local.kms_key]
          content {
            kms_key_name = customer_managed_encryption.value
          }
        }
      }
    }
  }
}

resource "google_secret_manager_secret_version" "this" {
  for_each = local.secrets

  secret         = google_secret_manager_secret.this[each.key].id
  secret_data_wo = join(",", [for name in var.check_in_keys : ephemeral.google_secret_manager_secret_version.check_in_key[name].secret_data])
  # Another list of names is another list of keys. A number, which the provider compares instead of the value.
  secret_data_wo_version = parseint(substr(sha256(join(",", var.check_in_keys)), 0, 7), 16)

  lifecycle {
    create_before_destroy = true
  }
}
