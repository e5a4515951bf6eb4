locals {
  # The one list of functions: what calls each, its size and its grants. A public function is reached through the gateway
  # alone, and checks the caller's token itself; `callers` are accounts of identity.tf that may invoke the others.
  functions = {
    for name, function in local.declared : name => merge(function, {
      public  = can(function.triggers.http)
      callers = distinct([for trigger, caller in local.caller_of : caller if can(function.triggers[trigger])])
    }) if !contains(local.left_out, name)
  }

  # Without a load balancer one function answers every route instead of those that it combines.
  declared = jsondecode(file("${path.module}/../../../functions/functions.json"))
  combined = { for name, function in local.declared : name => function.combines if can(function.combines) }
  left_out = local.has_gateway ? keys(local.combined) : flatten(values(local.combined))

  sizes = {
    for name, function in local.functions : name => {
      for key in ["memory", "cpu", "concurrency", "timeout", "min_instances", "max_instances"] :
      key => try(coalesce(var.functions[name][key]), function.size[key])
    }
  }

  # Known before the functions are: one of them has to be told its own address. Cloud Run gives every service this one.
  urls = {
    for name in keys(local.functions) :
    name => "https://${var.name}-${replace(name, "_", "-")}-${local.number}.${var.region}.run.app"
  }

  # The function that each queue's tasks go to.
  queue_servers = { for name, function in local.functions : function.triggers.queue => name if can(function.triggers.queue) }

  # Every setting that follows from what is provisioned; the check-in keys come as a secret.
  environment = {
    GOOGLE_CLOUD_PROJECT          = local.project
    HUB_LOCATION                  = var.region
    HUB_DATABASE                  = one(distinct(concat([for index in google_firestore_index.this : index.database], [for field in google_firestore_field.indexed : field.database]))) # by way of the indexes that queries need: one that is still being built refuses its query
    HUB_TOPIC_PREFIX              = local.topic_prefix
    HUB_QUEUES                    = join(",", [for queue, made in google_cloud_tasks_queue.this : "${queue}=${made.name}"])
    HUB_QUEUE_URLS                = join(",", [for queue, function in local.queue_servers : "${queue}=${local.urls[function]}"])
    HUB_TASKS_SERVICE_ACCOUNT     = google_service_account.caller["tasks"].email
    HUB_PUSH_SERVICE_ACCOUNT      = google_service_account.caller["push"].email
    HUB_SCHEDULER_SERVICE_ACCOUNT = google_service_account.caller["scheduler"].email
    HUB_CALLER_SIGNATURE_REMOVED  = "true" # by the IAM check of Cloud Run, which every function that is not public has
    HUB_CUSTOMER_ISSUER           = var.customer_realm.issuer
    HUB_CUSTOMER_JWKS_URL         = coalesce(var.customer_realm.jwks_url, "${trimsuffix(var.customer_realm.issuer, "/")}/.well-known/jwks.json")
    HUB_CUSTOMER_AUDIENCES        = join(",", var.customer_realm.audiences)
    HUB_CUSTOMER_PARTIES          = join(",", var.customer_realm.parties)
    HUB_CONFIG_KMS_KEY            = google_kms_crypto_key.config_values.id
    HUB_GATEWAY_ADDRESS           = local.has_gateway ? module.gateway[0].address : ""
    HUB_CUSTOMER_LOOKUP_URL       = try(var.customer_realm.lookup.url, "")
    HUB_CONSOLE_LOOKUP_URL        = try(var.console_realm.lookup.url, "")
    HUB_CONSOLE_ISSUER            = var.console_realm.issuer
    HUB_CONSOLE_JWKS_URL          = coalesce(var.console_realm.jwks_url, "${trimsuffix(var.console_realm.issuer, "/")}/.well-known/jwks.json")
    HUB_CONSOLE_AUDIENCES         = join(",", var.console_realm.audiences)
    HUB_CONSOLE_PARTIES           = join(",", var.console_realm.parties)
    HUB_CLUSTER_ENDPOINT          = "https://${local.cluster.endpoint}"
    HUB_CELLS                     = join(",", [for cell, cluster in local.cells : "${cell}=https://${cluster.endpoint}"])
    HUB_CELL_WEIGHTS              = length(var.cells) == 0 ? "" : join(",", [for cell, weight in local.cell_weights : "${cell}=${weight}"])
    HUB_CLUSTER_NAMESPACE_PREFIX  = var.cluster.namespace_prefix
    HUB_CLUSTER_HUB_ID            = "${replace(local.project, ":", ".")}.${var.name}"
    HUB_ARTIFACTS_BUCKET          = google_storage_bucket.artifacts.name
    HUB_LOGS_VIEW                 = google_logging_log_view.pods.id
    HUB_RUNTIME_IMAGE             = coalesce(var.runtime_image, local.built_image)
    HUB_PUBLISHER_AUDIENCE        = "${replace(local.project, ":", ".")}.${var.name}"
    HUB_RUNTIME_CLASS             = var.cluster.runtime_class == null ? "" : var.cluster.runtime_class
    HUB_RUNTIME_USER_NAMESPACES   = var.cluster.user_namespaces ? "true" : ""
    HUB_RUNTIME_PYTHON            = var.runtime_python
    HUB_RUNTIME_PLATFORM          = var.runtime_platform
    HUB_RUNTIME_PUBSUB_ENDPOINT   = "https://pubsub.googleapis.com"
    HUB_DEFAULT_SCOPE             = var.default_scope
  }

  # The secret keys that opaque tokens are looked up with, for the functions that take tokens.
  lookups        = { HUB_CUSTOMER_LOOKUP_SECRET = var.customer_realm.lookup, HUB_CONSOLE_LOOKUP_SECRET = var.console_realm.lookup }
  lookup_secrets = { for variable, lookup in local.lookups : variable => { id = lookup.secret, version = lookup.version } if lookup != null }

  # What each function is given alone: its own address is the audience of its callers' tokens.
  own_environment = { for name, url in local.urls : name => { HUB_CALLER_AUDIENCE = url } }

  # The settings that an operator may choose, as the code's own table gives them: default, whether a number is whole, and its bounds.
  settings_row = "(?m)^\\| `HUB_(?P<name>[A-Z_]+)` \\| `?(?P<default>[^`|]*)`? \\| (?P<whole>whole, )?(?P<above>[>≥]?) ?(?P<least>[0-9.]*)(?:, ≤ (?P<most>[0-9.]+))? \\| operator \\|"
  settings     = { for row in regexall(local.settings_row, file("${path.module}/../../../docs/settings.md")) : lower(row.name) => row }
  chosen       = { for name, value in var.settings : "HUB_${upper(name)}" => value }
}

module "function" {
  source   = "../function"
  for_each = local.functions

  project     = local.project
  region      = var.region
  name        = "${var.name}-${replace(each.key, "_", "-")}"
  function    = each.key
  description = each.value.description
  size        = local.sizes[each.key]
  public      = each.value.public
  ingress     = !each.value.public ? "INGRESS_TRAFFIC_INTERNAL_ONLY" : local.has_gateway ? "INGRESS_TRAFFIC_INTERNAL_LOAD_BALANCER" : "INGRESS_TRAFFIC_ALL"
  kms_key     = local.kms_key
  network     = var.egress == "network" ? { network = local.network.network, subnetwork = local.network.subnetwork } : null
  url         = local.urls[each.key]
  callers     = { for caller in each.value.callers : caller => google_service_account.caller[caller].member }

  # An empty value means the same as none, and a function's configuration does not keep empty ones.
  environment = { for key, value in merge(local.environment, local.own_environment[each.key], local.chosen) : key => tostring(value) if value != "" }
  secrets = merge({
    for secret in keys(lookup(local.access[each.key], "reads_secret", {})) :
    local.secrets[secret].variable => {
      id      = google_secret_manager_secret.this[secret].secret_id
      version = google_secret_manager_secret_version.this[secret].version
    } if contains(keys(local.secrets), secret)
    }, {
    for secret in keys(lookup(local.access[each.key], "reads_secret", {})) :
    local.handed_in[secret].variable => { id = local.handed_in[secret].given.secret, version = local.handed_in[secret].given.version }
    if try(local.handed_in[secret].given, null) != null
  }, each.value.public ? local.lookup_secrets : {})

  build = {
    service_account = time_sleep.builder_grants.triggers.service_account
    registry        = time_sleep.builder_grants.triggers.registry
    worker_pool     = var.build_worker_pool
  }
  sources_bucket = google_storage_bucket.sources.name
}
