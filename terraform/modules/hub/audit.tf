# Who read a secret, an object or a document, and who acted as another account. Google keeps such Data Access logs only
# where asked to. The functions' own accounts are left out for the database: each check-in would be a line, and cost more
# than it does; what remains is people.
locals {
  audited = var.audit == null ? {} : {
    "datastore.googleapis.com"      = [for function in module.function : function.member]
    "iam.googleapis.com"            = []
    "secretmanager.googleapis.com"  = []
    "storage.googleapis.com"        = []
    "iamcredentials.googleapis.com" = []
  }
}

resource "google_project_iam_audit_config" "this" {
  for_each = local.audited

  project = local.project
  service = each.key

  dynamic "audit_log_config" {
    for_each = ["ADMIN_READ", "DATA_READ", "DATA_WRITE"]
    content {
      log_type         = audit_log_config.value
      exempted_members = audit_log_config.value == "ADMIN_READ" ? [] : each.value
    }
  }
}

# Audit logs where nobody of this project can change them: a bucket, a dataset or a topic of another one.
resource "google_logging_project_sink" "audit" {
  count = try(var.audit.sink, null) == null ? 0 : 1

  project                = local.project
  name                   = "${var.name}-audit"
  description            = "Who did and read what, kept elsewhere."
  destination            = var.audit.sink
  filter                 = "log_id(\"cloudaudit.googleapis.com/activity\") OR log_id(\"cloudaudit.googleapis.com/data_access\") OR log_id(\"cloudaudit.googleapis.com/policy\")"
  unique_writer_identity = true
}

# Which images pods may run. The policy is the project's: every cluster that asks for it obeys it.
resource "google_binary_authorization_policy" "this" {
  count = var.allowed_images == null ? 0 : 1

  project                       = local.project
  description                   = "The runtime image, built here, and what publishers' versions may bring."
  global_policy_evaluation_mode = "ENABLE" # images of GKE itself

  dynamic "admission_whitelist_patterns" {
    for_each = concat(["${local.runtime_registry}/**"], var.allowed_images)
    content {
      name_pattern = admission_whitelist_patterns.value
    }
  }

  default_admission_rule {
    evaluation_mode  = "ALWAYS_DENY"
    enforcement_mode = "ENFORCED_BLOCK_AND_AUDIT_LOG"
  }
}
