locals {
  # Secrets by name, and the environment variable a function finds each in.
  secrets = {
    check-in-keys = {
      variable = "HUB_CHECK_IN_KEYS"
      value    = join(",", [for name in var.check_in_keys : random_bytes.check_in_key[name].base64])
    }
  }
}

# 256 bits each. They are in Terraform's state, which is why deploy.sh keeps that in a private bucket.
resource "random_bytes" "check_in_key" {
  for_each = toset(var.check_in_keys)

  length = 32
}

resource "google_secret_manager_secret" "this" {
  for_each = local.secrets

  project   = local.project
  secret_id = "${var.name}-${each.key}"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_version" "this" {
  for_each = local.secrets

  secret      = google_secret_manager_secret.this[each.key].id
  secret_data = each.value.value

  lifecycle {
    create_before_destroy = true
  }
}
