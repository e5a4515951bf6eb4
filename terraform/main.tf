# Made by `python -m terraform.tools.root` from modules/hub: change it there, and run `make generate`.
module "hub" {
  source = "./modules/hub"

  alert_emails        = var.alert_emails
  allowed_images      = var.allowed_images
  audit               = var.audit
  budget              = var.budget
  build_worker_pool   = var.build_worker_pool
  check_in_keys       = var.check_in_keys
  cluster             = var.cluster
  console_realm       = var.console_realm
  customer_realm      = var.customer_realm
  database            = var.database
  default_scope       = var.default_scope
  deletion_protection = var.deletion_protection
  domain              = var.domain
  egress              = var.egress
  encryption          = var.encryption
  functions           = var.functions
  gateway             = var.gateway
  more_domains        = var.more_domains
  name                = var.name
  network             = var.network
  operator            = var.operator
  operators           = var.operators
  project             = var.project
  rate_limit          = var.rate_limit
  region              = var.region
  request_log_share   = var.request_log_share
  runtime_image       = var.runtime_image
  runtime_platform    = var.runtime_platform
  runtime_python      = var.runtime_python
  settings            = var.settings
  suffix              = var.suffix
  upgrades_per_second = var.upgrades_per_second
  web_console         = var.web_console
}
