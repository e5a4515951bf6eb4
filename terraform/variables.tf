variable "alert_emails" {
  description = "Addresses that alerts and the budget write to."
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "Each of alert_emails is one address, such as oncall@example.com."
  }
}

variable "budget" {
  description = "A monthly budget for the project; null leaves it out, since it needs rights on the billing account. currency is the billing account's own when null: any other one is refused."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string)
  })
  default = null
  validation {
    condition     = var.budget == null || can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.budget.billing_account))
    error_message = "budget.billing_account looks like 012345-6789AB-CDEF01."
  }
}

variable "check_in_keys" {
  description = "Names of the keys that runtimes' check-in tokens are made with; a new name makes a new key. The first makes the tokens, those of all are accepted: put a new one last before it is put first."
  type        = list(string)
  default     = ["1"]
  nullable    = false
  validation {
    condition     = length(var.check_in_keys) > 0 && length(distinct(var.check_in_keys)) == length(var.check_in_keys)
    error_message = "check_in_keys names at least one key, and none twice."
  }
}

variable "console_realm" {
  description = "The token issuer of the operator's console. jwks_url defaults to the issuer's /.well-known/jwks.json; audiences (`aud`) and parties (`azp`) are accepted lists; one of them is needed, since an issuer serves other applications too."
  type = object({
    issuer    = string
    jwks_url  = optional(string)
    audiences = optional(list(string), [])
    parties   = optional(list(string), [])
  })
  validation {
    condition     = startswith(var.console_realm.issuer, "https://") && startswith(coalesce(var.console_realm.jwks_url, "https://"), "https://")
    error_message = "console_realm.issuer and jwks_url are https:// URLs: tokens are trusted for what is fetched from there."
  }
  validation {
    condition     = length(var.console_realm.audiences) + length(var.console_realm.parties) > 0
    error_message = "console_realm needs audiences or parties: without, a token for any application of the issuer passes."
  }
  validation {
    condition     = trimsuffix(var.console_realm.issuer, "/") != trimsuffix(var.customer_realm.issuer, "/")
    error_message = "console_realm and customer_realm need different issuers: a token of one realm must mean nothing in the other."
  }
}

variable "customer_realm" {
  description = "The token issuer of the tenants; fields as in console_realm."
  type = object({
    issuer    = string
    jwks_url  = optional(string)
    audiences = optional(list(string), [])
    parties   = optional(list(string), [])
  })
  validation {
    condition     = startswith(var.customer_realm.issuer, "https://") && startswith(coalesce(var.customer_realm.jwks_url, "https://"), "https://")
    error_message = "customer_realm.issuer and jwks_url are https:// URLs: tokens are trusted for what is fetched from there."
  }
  validation {
    condition     = length(var.customer_realm.audiences) + length(var.customer_realm.parties) > 0
    error_message = "customer_realm needs audiences or parties: without, a token for any application of the issuer passes."
  }
}

variable "database" {
  description = "Where Firestore keeps its data: location is a region or a multi-region such as eur3 or nam5, null = the region, and cannot be changed later; name is for a database that was restored, null = one of this environment's name."
  type = object({
    location = optional(string)
    name     = optional(string)
  })
  default  = {}
  nullable = false
  validation {
    condition     = var.database.name == null || can(regex("^[a-z][a-z0-9-]{2,61}[a-z0-9]$", var.database.name))
    error_message = "database.name has 4 to 63 lower-case letters, digits and dashes."
  }
}

variable "default_scope" {
  description = "Who sees a customer's new provider whose author does not say: its own organization (tenant) or everyone (public)."
  type        = string
  default     = "tenant"
  nullable    = false
  validation {
    condition     = contains(["tenant", "public"], var.default_scope)
    error_message = "default_scope is tenant or public."
  }
}

variable "deletion_protection" {
  description = "Whether database and cluster refuse to be destroyed. `make destroy` asks for false to be applied first."
  type        = bool
  default     = true
  nullable    = false
}

variable "domain" {
  description = "The host name callers use; point its A record at the output `address`. Null is for a trial: a public wildcard DNS name made from the address."
  type        = string
  default     = null
  validation {
    condition     = var.domain == null || can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", var.domain))
    error_message = "domain is a host name in lower case without scheme or path, such as hub.example.com."
  }
}

variable "functions" {
  description = "Sizes that differ from the defaults in functions/functions.json, by function name. memory as 512Mi or 2Gi, cpu as 1 or 0.5, timeout in seconds."
  type = map(object({
    memory        = optional(string)
    cpu           = optional(string)
    concurrency   = optional(number)
    min_instances = optional(number)
    max_instances = optional(number)
    timeout       = optional(number)
  }))
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for name in keys(var.functions) : contains(keys(local.functions), name)])
    error_message = "functions has a name that is none; the functions are: ${join(", ", keys(local.functions))}."
  }
  validation {
    condition     = alltrue([for size in values(var.functions) : coalesce(size.timeout, 60) <= 540])
    error_message = "A function's timeout is at most 540 seconds: a subscription's ack deadline, which must be longer, ends at 600."
  }
}

variable "name" {
  description = "Beginning of every resource's name; two environments in one project need two."
  type        = string
  default     = "hub"
  nullable    = false
  validation {
    # 12 characters leave room for the longest account id, which ends at 30, and the longest host label, at 63.
    condition     = can(regex("^[a-z][a-z0-9-]{0,10}[a-z0-9]$", var.name))
    error_message = "name has 2 to 12 characters: lower-case letters, digits and dashes, a letter first and no dash last."
  }
}

variable "network" {
  description = "Address ranges of the cluster's network. pods bounds how many runtimes fit: a node takes 64 of its addresses, and a /17 holds 32,768."
  type = object({
    nodes    = optional(string, "10.0.0.0/22")
    pods     = optional(string, "10.4.0.0/17")
    services = optional(string, "10.8.0.0/20")
  })
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for range in values(var.network) : can(cidrnetmask(range))])
    error_message = "Each of network's ranges is an IPv4 range such as 10.0.0.0/22."
  }
}

variable "operators" {
  description = "IAM members that run the smoke test, such as user:you@example.com: they may sign the URL of the sample wheel."
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount):", member))])
    error_message = "Each of operators begins with user:, group: or serviceAccount:."
  }
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project))
    error_message = "project is the project's id, not its name or number: 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "rate_limit" {
  description = "Requests that one client address may make in a minute before it is answered 429."
  type        = number
  default     = 600
  nullable    = false
  validation {
    condition     = var.rate_limit >= 10
    error_message = "rate_limit is at least 10 a minute."
  }
}

variable "region" {
  description = "Region of everything that has one. It cannot be changed later."
  type        = string
  nullable    = false
  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region is a region such as europe-west1, not a zone."
  }
}

variable "runtime_image" {
  description = "Image of the runtime version that this deployment registers. Null = the one that deploy.sh builds from lib/pragma_runtime, its tag being the content's digest."
  type        = string
  default     = null
  validation {
    condition     = var.runtime_image == null || can(regex("@sha256:[0-9a-f]{64}$", var.runtime_image))
    error_message = "runtime_image is pinned by digest: …@sha256:<64 hexadecimal digits>."
  }
}

variable "runtime_platform" {
  description = "Newest platform tag of a wheel that runtime_image can load, by its C library and machine."
  type        = string
  default     = "manylinux_2_36_x86_64"
  nullable    = false
  validation {
    condition     = can(regex("^(manylinux_2_[0-9]{1,2}|musllinux_1_[0-9]{1,2})_(x86_64|aarch64)$", var.runtime_platform))
    error_message = "runtime_platform is a platform tag such as manylinux_2_36_x86_64."
  }
}

variable "runtime_python" {
  description = "CPython in runtime_image, which wheels are held against when they are published: 3.13, or with its patch release."
  type        = string
  default     = "3.13"
  nullable    = false
  validation {
    condition     = can(regex("^3\\.[0-9]{1,2}(\\.[0-9]{1,2})?$", var.runtime_python))
    error_message = "runtime_python is a version of CPython such as 3.13 or 3.13.2."
  }
}

variable "settings" {
  description = "Settings of the functions that differ from their defaults, such as { bake_seconds = 3600 }: a variable of docs/settings.md that the operator sets, in lower case without HUB_."
  type        = map(string)
  default     = {}
  nullable    = false
  validation {
    condition     = alltrue([for name in keys(var.settings) : contains(keys(local.settings), name)])
    error_message = "settings has a name that is none; an operator may set: ${join(", ", keys(local.settings))}."
  }
  validation {
    condition = alltrue([for name, value in var.settings : try(
      local.settings[name].above == "" || tonumber(value) > tonumber(local.settings[name].least) ||
      local.settings[name].above == "≥" && tonumber(value) == tonumber(local.settings[name].least), false
    )])
    error_message = "settings has a number that is too small, or a text where a number belongs: docs/settings.md gives the bounds."
  }
  validation {
    condition = alltrue([for name, value in var.settings : try(
      tonumber(value) <= tonumber(coalesce(local.settings[name].most, value)), !can(tonumber(value))
    )])
    error_message = "settings has a number that is too large: docs/settings.md gives the bounds."
  }
  validation {
    condition     = alltrue([for name, value in var.settings : !endswith(name, "_quota") || try(floor(tonumber(value)) == tonumber(value), false)])
    error_message = "A quota of settings is a whole number."
  }
  validation {
    condition = try(
      tonumber(lookup(var.settings, "silence_seconds", local.settings["silence_seconds"].default)) >=
      2 * tonumber(lookup(var.settings, "check_in_seconds", local.settings["check_in_seconds"].default)), false
    )
    error_message = "settings.silence_seconds is at least twice check_in_seconds: one late check-in is no outage."
  }
}

variable "upgrades_per_second" {
  description = "Steps of auto-upgrade rollouts that Cloud Tasks dispatches in a second, over all rollouts."
  type        = number
  default     = 5
  nullable    = false
  validation {
    condition     = var.upgrades_per_second > 0 && var.upgrades_per_second <= 500
    error_message = "upgrades_per_second is above 0 and at most 500, which is what a queue can do."
  }
}
