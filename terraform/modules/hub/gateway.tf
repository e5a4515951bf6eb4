locals {
  has_gateway = var.gateway == "load_balancer"

  # Where callers find the API. Without a load balancer it is one function's own address.
  api_url = local.has_gateway ? "https://${module.gateway[0].host}" : module.function["api"].url

  # Its host, known before anything answers there. Whoever names it depends on none of the functions.
  api_host = local.has_gateway ? module.gateway[0].host_name : trimprefix(local.urls["api"], "https://")
}

module "gateway" {
  source = "../gateway"
  count  = local.has_gateway ? 1 : 0

  project          = local.project
  region           = var.region
  name             = var.name
  domains          = compact(concat([var.domain], var.more_domains))
  rate_limit       = var.rate_limit
  log_sample_rate  = var.request_log_share
  default_function = "operations"
  console          = local.has_console ? { bucket = google_storage_bucket.console[0].name, headers = local.console_headers } : null

  functions = {
    for name, function in local.functions : name => { service = module.function[name].service, paths = function.triggers.http.paths } if function.public
  }
}
