locals {
  # Each query of lib/provider_hub/adapters/firestore/store.py that names more than one field, in the order Firestore wants:
  # equalities first, then what is ordered by. A minus counts down; [] is an array's elements.
  composite_indexes = {
    installations_of_provider = { collection = "installations", scope = "COLLECTION_GROUP", fields = ["prefix", "name"] }
    auto_of_provider          = { collection = "installations", scope = "COLLECTION_GROUP", fields = ["prefix", "name", "upgrade_policy"] }
    auto_of_version           = { collection = "installations", scope = "COLLECTION_GROUP", fields = ["prefix", "name", "revision.version", "upgrade_policy"] }
    ready_auto_of_version     = { collection = "installations", scope = "COLLECTION_GROUP", fields = ["prefix", "name", "revision.version", "upgrade_policy", "lifecycle_state"] }
    ready_auto_of_provider    = { collection = "installations", scope = "COLLECTION_GROUP", fields = ["prefix", "name", "upgrade_policy", "lifecycle_state"] }
    silent_of_shards          = { collection = "installations", scope = "COLLECTION_GROUP", fields = ["lifecycle_state", "health", "silence_shard", "silent_at"] }
    providers_by_audience     = { collection = "providers", scope = "COLLECTION", fields = ["audience", "retiring"] }
    providers_by_word         = { collection = "providers", scope = "COLLECTION", fields = ["audience", "retiring", "search_tokens[]"] }
    providers_of_author       = { collection = "providers", scope = "COLLECTION", fields = ["audience", "prefix", "retiring"] }
    providers_of_distribution = { collection = "providers", scope = "COLLECTION", fields = ["audience", "prefix", "retiring", "distributions[]"] }
    dead_letters              = { collection = "dead_letters", scope = "COLLECTION", fields = ["organization_id", "-failed_at"] }
    audit_of_action           = { collection = "audit", scope = "COLLECTION", fields = ["action", "-at"] }
    audit_of_organization     = { collection = "audit", scope = "COLLECTION", fields = ["organization_id", "-at"] }
    audit_of_both             = { collection = "audit", scope = "COLLECTION", fields = ["organization_id", "action", "-at"] }
    dead_letters_of_provider  = { collection = "dead_letters", scope = "COLLECTION", fields = ["organization_id", "provider", "-failed_at"] }
    publishers_of_provider    = { collection = "publishers", scope = "COLLECTION", fields = ["prefix", "name", "created_at"] }
    publishers_of_repository  = { collection = "publishers", scope = "COLLECTION", fields = ["issuer", "repository_key", "created_at"] }
    started_members           = { collection = "members", scope = "COLLECTION", fields = ["state", "started_at"] }
  }

  # Each query of one field, written the same way. All other fields have no index at all: an entry for every value of a
  # big map costs time and money at each write, and can push a document over Firestore's limit of index entries.
  field_indexes = {
    audit_by_age              = { collection = "audit", scope = "COLLECTION", field = "-at" }
    installations_by_age      = { collection = "installations", scope = "COLLECTION", field = "created_at" }
    installations_by_deadline = { collection = "installations", scope = "COLLECTION_GROUP", field = "deadline_at" }
    installations_by_offer    = { collection = "installations", scope = "COLLECTION_GROUP", field = "offer_due_at" }
    locks_by_next_copy        = { collection = "locks", scope = "COLLECTION_GROUP", field = "mirror_due_at" }
    members_of_wave           = { collection = "members", scope = "COLLECTION", field = "wave" }
    outbox_by_age             = { collection = "outbox", scope = "COLLECTION", field = "created_at" }
    providers_by_deletion     = { collection = "providers", scope = "COLLECTION", field = "deletion_given_up_at" }
    providers_by_prefix       = { collection = "providers", scope = "COLLECTION", field = "prefix" }
    publishers_by_tenant      = { collection = "publishers", scope = "COLLECTION", field = "organization_id" }
    rollouts_by_age           = { collection = "rollouts", scope = "COLLECTION", field = "-created_at" }
    rollouts_by_next_step     = { collection = "rollouts", scope = "COLLECTION_GROUP", field = "due_at" }
    runtimes_by_release       = { collection = "runtime_versions", scope = "COLLECTION", field = "-released_at" }
    versions_by_lock          = { collection = "versions", scope = "COLLECTION", field = "lock_sha256" }
    versions_by_next_lock     = { collection = "versions", scope = "COLLECTION_GROUP", field = "lock_due_at" }
  }

  # Every collection has a section in docs/documents.md, which a test holds against the code: the last but one part of the
  # path in its heading. In the second pattern, the section's table has the field `expires_at`.
  documents       = file("${path.module}/../../../docs/documents.md")
  a_collection    = "(?m)^## `(?:[^`]*/)?(\\w+)/[^/`]+`$"
  an_expiring_one = "(?m)^## `(?:[^`]*/)?(\\w+)/[^/`]+`$[^#]*?^\\| `expires_at` "
  collections     = toset(flatten(regexall(local.a_collection, local.documents)))
  # Documents that Firestore deletes by itself, some time after this field's moment.
  expiring_collections = toset(flatten(regexall(local.an_expiring_one, local.documents)))
}

resource "google_firestore_database" "this" {
  project     = local.project
  name        = coalesce(var.database.name, "${var.name}-database")
  location_id = coalesce(var.database.location, var.region)
  type        = "FIRESTORE_NATIVE"
  # A function that is killed inside a transaction must not leave locks behind that every other writer waits for.
  concurrency_mode                  = "OPTIMISTIC"
  app_engine_integration_mode       = "DISABLED"
  point_in_time_recovery_enablement = "POINT_IN_TIME_RECOVERY_ENABLED"
  delete_protection_state           = var.deletion_protection ? "DELETE_PROTECTION_ENABLED" : "DELETE_PROTECTION_DISABLED"
  deletion_policy                   = var.deletion_protection ? "ABANDON" : "DELETE"

  dynamic "cmek_config" {
    for_each = local.database_key == null ? [] : [local.database_key]
    content {
      kms_key_name = cmek_config.value
    }
  }
}

# Point-in-time recovery reaches back 7 days; this reaches further, and survives the database.
resource "google_firestore_backup_schedule" "weekly" {
  project   = local.project
  database  = google_firestore_database.this.name
  retention = "${14 * 7 * 24 * 3600}s"

  weekly_recurrence {
    day = "SUNDAY"
  }
}

resource "google_firestore_backup_schedule" "daily" {
  project   = local.project
  database  = google_firestore_database.this.name
  retention = "${7 * 24 * 3600}s"

  daily_recurrence {}
}

# Firestore changes one database's indexes badly at the same time: many changes at once are answered with 409 "too much
# contention", which the provider does not try again. Each group from here on waits for the one above it.
resource "google_firestore_field" "unindexed" {
  for_each = local.collections

  project    = local.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "*"

  index_config {}
}

resource "google_firestore_field" "expiry" {
  for_each = local.expiring_collections

  project    = local.project
  database   = google_firestore_database.this.name
  collection = each.key
  field      = "expires_at"

  index_config {}
  ttl_config {}

  depends_on = [google_firestore_field.unindexed]
}

resource "google_firestore_field" "indexed" {
  for_each = local.field_indexes

  project    = local.project
  database   = google_firestore_database.this.name
  collection = each.value.collection
  field      = trimprefix(each.value.field, "-")

  index_config {
    indexes {
      order       = startswith(each.value.field, "-") ? "DESCENDING" : "ASCENDING"
      query_scope = each.value.scope
    }
  }

  depends_on = [google_firestore_field.expiry]
}

resource "google_firestore_index" "this" {
  for_each = local.composite_indexes

  project     = local.project
  database    = google_firestore_database.this.name
  collection  = each.value.collection
  query_scope = each.value.scope

  dynamic "fields" {
    for_each = each.value.fields
    content {
      field_path   = trimsuffix(trimprefix(fields.value, "-"), "[]")
      order        = endswith(fields.value, "[]") ? null : startswith(fields.value, "-") ? "DESCENDING" : "ASCENDING"
      array_config = endswith(fields.value, "[]") ? "CONTAINS" : null
    }
  }

  depends_on = [google_firestore_field.indexed]
}
