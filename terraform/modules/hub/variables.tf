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

variable "alert_installations" {
  description = "How many installations may fail, fall silent or have their check-ins refused within minutes before alerts write: so many are hardly a single tenant's doing. Give more to a hub with thousands of installations."
  type        = number
  default     = 5
  nullable    = false
  validation {
    condition     = var.alert_installations >= 0 && floor(var.alert_installations) == var.alert_installations
    error_message = "alert_installations is a whole number, and 0 writes about each one."
  }
}

variable "allowed_images" {
  description = "Patterns of images, such as europe-docker.pkg.dev/acme/base/**, that pods may run beside the runtime image: Binary Authorization then refuses all others in the cluster that is made here. Null leaves Binary Authorization out. The policy is the project's: one environment of a project sets it."
  type        = list(string)
  default     = null
  validation {
    condition     = alltrue([for pattern in coalesce(var.allowed_images, []) : can(regex("^[a-z0-9.-]+/[^ ]+$", pattern))])
    error_message = "Each of allowed_images is a pattern such as europe-docker.pkg.dev/acme/base/**."
  }
}

variable "audit" {
  description = "Data Access logs of secrets, objects, documents and borrowed identities; sink is where audit logs are kept as well, such as logging.googleapis.com/projects/audit/locations/global/buckets/hub. Null leaves the project's settings alone: they are one for all environments of a project."
  type = object({
    sink = optional(string)
  })
  default = {}
  validation {
    condition     = can(regex("^(logging|storage|bigquery|pubsub)[.]googleapis[.]com/", coalesce(try(var.audit.sink, null), "logging.googleapis.com/")))
    error_message = "audit.sink begins with logging.googleapis.com/, storage.googleapis.com/, bigquery.googleapis.com/ or pubsub.googleapis.com/."
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

variable "build_worker_pool" {
  description = "Id of a private Cloud Build pool that builds the containers, where policies demand one: projects/…/locations/…/workerPools/…. Null = Google's workers."
  type        = string
  default     = null
  validation {
    condition     = can(regex("^projects/[^/]+/locations/[^/]+/workerPools/[^/]+$", coalesce(var.build_worker_pool, "projects/p/locations/l/workerPools/w")))
    error_message = "build_worker_pool is an id such as projects/my-project/locations/europe-west1/workerPools/builds."
  }
}

variable "check_in_keys" {
  description = "Names of the keys that runtimes' check-in tokens are made with; a new name makes a new key. The first makes the tokens, those of all are accepted: put a new one last before it is put first."
  type        = list(string)
  default     = ["1"]
  nullable    = false
  validation {
    condition     = alltrue([for name in var.check_in_keys : can(regex("^[A-Za-z0-9_-]{1,32}$", name))]) && length(var.check_in_keys) > 0 && length(distinct(var.check_in_keys)) == length(var.check_in_keys)
    error_message = "check_in_keys names at least one key, and none twice; a name has up to 32 letters, digits, dashes and underscores."
  }
}

variable "cells" {
  description = "Clusters beside the one of `cluster`, for more pods than one cluster holds; that one is the cell default. An organization's first install places it in one of them, for good. weight is a cell's share in new organizations (`cluster.weight` is the default cell's), and 0 closes it to them. existing is a GKE cluster as in `cluster`, of the same project, and needs the same right for its nodes' account; without, an Autopilot cluster is made beside that of `cluster`, whose pods and services come from ranges: IPv4 ranges that the subnetwork gets, or the names of ranges of `network.existing`. Add a cell to a running hub with weight 0, and give it its weight in the deployment after. A cell that an organization is in has to stay: the hub leaves what runs in it alone, and changes of it fail, until the cell is named again."
  type = map(object({
    weight = optional(number, 1)
    existing = optional(object({
      name     = string
      location = string
    }))
    ranges = optional(object({
      pods     = string
      services = string
    }))
  }))
  default  = {}
  nullable = false
  validation {
    # 20 characters leave room for `name` and a dash: a cluster's name ends at 40.
    condition     = alltrue([for cell in keys(var.cells) : can(regex("^[a-z]([a-z0-9-]{0,18}[a-z0-9])?$", cell)) && cell != "default"])
    error_message = "Each of cells is named by up to 20 lower-case letters, digits and inner dashes, a letter first; default is the cluster of `cluster`."
  }
  validation {
    condition     = alltrue([for cell in values(var.cells) : cell.weight >= 0]) && var.cluster.weight + sum(concat([0], [for cell in values(var.cells) : cell.weight])) > 0
    error_message = "No weight of cells and cluster is below 0, and one of them is above: new organizations need a cell."
  }
  validation {
    condition     = alltrue([for cell in values(var.cells) : (cell.existing == null) == (cell.ranges != null)])
    error_message = "Each of cells has either existing or ranges: a cluster that is made needs ranges for its pods and services."
  }
  validation {
    condition     = alltrue([for cell in values(var.cells) : cell.existing != null || coalesce(try(var.cluster.existing.project, null), var.project) == var.project])
    error_message = "A cell that is made is in the hub's own project, and all cells are in one: with cluster.existing in another project, each of cells is an existing cluster there."
  }
  validation {
    condition     = var.network.existing != null || alltrue([for cell in values(var.cells) : can(cidrnetmask(cell.ranges.pods)) && can(cidrnetmask(cell.ranges.services)) if cell.ranges != null])
    error_message = "The ranges of cells are IPv4 ranges such as 10.20.0.0/14, where no network.existing has ranges with names."
  }
  validation {
    # As the functions' settings demand: they refuse to start with another weight.
    condition     = alltrue([for weight in concat([var.cluster.weight], [for cell in values(var.cells) : cell.weight]) : can(regex("^[0-9]{1,9}([.][0-9]{1,9})?$", tostring(weight)))])
    error_message = "A weight of cells and cluster is a number such as 2 or 0.5: up to 9 digits, and up to 9 decimals."
  }
  validation {
    condition     = length(distinct(concat([try("${var.cluster.existing.location}/${var.cluster.existing.name}", "${var.region}/${var.name}")], [for name, cell in var.cells : try("${cell.existing.location}/${cell.existing.name}", "${var.region}/${var.name}-${name}")]))) == length(var.cells) + 1
    error_message = "Two of cells, or one of them and cluster, are the same cluster: each cell has its own."
  }
}

variable "cluster" {
  description = "Where runtimes are deployed. existing is a GKE cluster with its DNS endpoint and Workload Identity on, used next to what else is in it, and whose nodes' account needs roles/artifactregistry.reader on the repository of the runtime image; without, an Autopilot cluster is made. access says what holds the functions to their verbs in it: rbac, roles in each cell's cluster that deploy.sh applies with kubectl, IAM letting them connect alone; or iam, a custom role that needs nothing in the cluster, and reaches every cluster of the project. runtime_class is the RuntimeClass of runtimes' pods, null for none: gvisor keeps tenants' code from sharing a kernel, and needs Autopilot or a node pool with GKE Sandbox. user_namespaces is for a cluster without such a class, of Kubernetes 1.33 or newer: a pod's users are then none of its node's. namespace_prefix begins the names of this hub's namespaces in a shared cluster. weight is its share in new organizations where there are `cells`."
  type = object({
    existing = optional(object({
      name     = string
      location = string
      project  = optional(string)
    }))
    access           = optional(string, "rbac")
    namespace_prefix = optional(string, "")
    runtime_class    = optional(string, "gvisor")
    user_namespaces  = optional(bool, false)
    weight           = optional(number, 1)
  })
  default  = {}
  nullable = false
  validation {
    condition     = can(regex("^([a-km-np-z][a-z0-9-]{0,14}-)?$", var.cluster.namespace_prefix))
    error_message = "cluster.namespace_prefix is up to 16 lower-case letters, digits and dashes: no l or o first, a dash last."
  }
  validation {
    condition     = contains(["rbac", "iam"], var.cluster.access)
    error_message = "cluster.access is rbac or iam."
  }
  validation {
    condition     = !(var.cluster.user_namespaces && var.cluster.runtime_class == "gvisor")
    error_message = "cluster.user_namespaces needs another runtime_class, or null: gvisor refuses pods that ask for it."
  }
  validation {
    condition     = can(regex("^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$", coalesce(var.cluster.runtime_class, "none")))
    error_message = "cluster.runtime_class is the name of a RuntimeClass, such as gvisor."
  }
}

variable "console_realm" {
  description = "The token issuer of the operator's console. jwks_url defaults to the issuer's /.well-known/jwks.json; audiences (`aud`) and parties (`azp`) are accepted lists; one of them is needed, since an issuer serves other applications too. lookup is where the issuer's opaque machine tokens are looked up, and the secret of this project, made by hand, that holds the machine secret key for it; without, such tokens are refused."
  type = object({
    issuer    = string
    jwks_url  = optional(string)
    audiences = optional(list(string), [])
    parties   = optional(list(string), [])
    lookup = optional(object({
      url     = string
      secret  = string
      version = optional(string, "latest")
    }))
  })
  validation {
    condition     = startswith(try(coalesce(var.console_realm.lookup.url), "https://"), "https://") && can(regex("^[A-Za-z0-9_-]{1,255}$", try(coalesce(var.console_realm.lookup.secret), "none")))
    error_message = "console_realm.lookup has an https:// url, and names its secret by the id alone."
  }
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
    lookup = optional(object({
      url     = string
      secret  = string
      version = optional(string, "latest")
    }))
  })
  validation {
    condition     = startswith(try(coalesce(var.customer_realm.lookup.url), "https://"), "https://") && can(regex("^[A-Za-z0-9_-]{1,255}$", try(coalesce(var.customer_realm.lookup.secret), "none")))
    error_message = "customer_realm.lookup has an https:// url, and names its secret by the id alone."
  }
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
  description = "Whether the database, the clusters and the bucket of wheels refuse to be destroyed. `make destroy` lifts this by itself."
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

variable "egress" {
  description = "How the functions reach the world: internet directly, or through the network (Direct VPC egress), whose addresses, routes and proxies then hold for them too."
  type        = string
  default     = "internet"
  nullable    = false
  validation {
    condition     = contains(["internet", "network"], var.egress)
    error_message = "egress is internet or network."
  }
}

variable "encryption" {
  description = "Cloud KMS keys that everything stored is encrypted with, in the region: key for all, database_key for a database in a multi-region (eur3 takes one in europe, nam5 one in us). Firestore, Artifact Registry and the cluster take a key at creation only. grants says whether the rights on the keys are given here. Null = Google's keys."
  type = object({
    key          = string
    database_key = optional(string)
    grants       = optional(bool, true)
  })
  default = null
  validation {
    condition = alltrue([
      for key in compact([try(var.encryption.key, null), try(var.encryption.database_key, null)]) :
      can(regex("^projects/[^/]+/locations/[^/]+/keyRings/[^/]+/cryptoKeys/[^/]+$", key))
    ])
    error_message = "encryption's keys are ids such as projects/keys/locations/europe-west1/keyRings/hub/cryptoKeys/hub."
  }
}

variable "functions" {
  description = "Sizes that differ from the defaults in functions/functions.json, by function name. memory as 512Mi or 2Gi, cpu as 1 or 2, concurrency in requests at a time, which is the number of threads as well, timeout in seconds."
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
  validation {
    condition     = alltrue([for size in values(var.functions) : size.concurrency == null ? true : contains(range(1, 1001), size.concurrency)])
    error_message = "A function's concurrency is a whole number from 1 to 1000, which Cloud Run demands: it is the function's number of threads as well."
  }
  validation {
    condition     = alltrue([for size in values(var.functions) : size.cpu == null ? true : contains(["1", "2", "4", "6", "8"], size.cpu)])
    error_message = "A function's cpu is 1, 2, 4, 6 or 8: Cloud Run's second generation, which functions run in, has no other."
  }
  validation {
    condition = alltrue([
      for size in values(var.functions) :
      size.memory == null ? true : can(regex("^([1-9][0-9]*Gi|51[2-9]Mi|5[2-9][0-9]Mi|[6-9][0-9]{2}Mi|[1-9][0-9]{3,}Mi)$", size.memory))
    ])
    error_message = "A function's memory is 512Mi or more, in Mi or Gi: Cloud Run's second generation demands that."
  }
}

variable "gateway" {
  description = "load_balancer = a global HTTPS load balancer with Cloud Armor, the domain and its certificate; none = one function answers every route at its own address on run.app, without a rate limit, a domain or the load balancer's price."
  type        = string
  default     = "load_balancer"
  nullable    = false
  validation {
    condition     = contains(["load_balancer", "none"], var.gateway)
    error_message = "gateway is load_balancer or none."
  }
  validation {
    condition     = var.gateway == "load_balancer" || var.domain == null
    error_message = "domain needs gateway = \"load_balancer\": without one the API is at an address of run.app."
  }
}

variable "image_pull_credentials" {
  description = "Secret of this project, made by hand, with the logins of private image registries that runtime versions come from, as Docker's config.json has them under auths. Pods pull with it; what runs is not restarted for it. Null = nodes pull as their own account, which an Artifact Registry repository of another project may let in."
  type = object({
    secret  = string
    version = optional(string, "latest")
  })
  default = null
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", try(coalesce(var.image_pull_credentials.secret), "none")))
    error_message = "image_pull_credentials.secret is the id of a secret of this project, without projects/…/secrets/."
  }
}

variable "index_credentials" {
  description = "Secret of this project, made by hand, with the logins of private package indexes in settings.index_urls: host=user:password each, comma-separated. Null = none."
  type = object({
    secret  = string
    version = optional(string, "latest")
  })
  default = null
  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{1,255}$", try(coalesce(var.index_credentials.secret), "none")))
    error_message = "index_credentials.secret is the id of a secret of this project, without projects/…/secrets/."
  }
}

variable "more_domains" {
  description = "Further host names of the API. To change `domain` without an outage, put the new one here first, make its `dns_records`, and exchange the two once its certificate is active."
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for domain in var.more_domains : can(regex("^([a-z0-9]([a-z0-9-]*[a-z0-9])?\\.)+[a-z]{2,}$", domain))])
    error_message = "Each of more_domains is a host name in lower case without scheme or path, such as hub.example.com."
  }
  validation {
    condition     = length(var.more_domains) == 0 || var.domain != null
    error_message = "more_domains needs a domain: the first name is the API's own."
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
  description = "The network of the cluster, and of the functions where `egress` is network. nodes, pods and services are address ranges; pods bounds how many runtimes fit: a node takes 64 of its addresses, and a /17 holds 32,768. static_addresses reserves that many public addresses for what goes out. existing names a network, a subnetwork of the region and its ranges instead of making them, in another project for a Shared VPC; grants says whether Google's agents get their rights in that project here."
  type = object({
    nodes            = optional(string, "10.0.0.0/22")
    pods             = optional(string, "10.4.0.0/17")
    services         = optional(string, "10.8.0.0/20")
    static_addresses = optional(number, 0)
    existing = optional(object({
      project        = optional(string)
      network        = string
      subnetwork     = string
      pods_range     = string
      services_range = string
      grants         = optional(bool, true)
    }))
  })
  default  = {}
  nullable = false
  validation {
    condition     = alltrue([for range in [var.network.nodes, var.network.pods, var.network.services] : can(cidrnetmask(range))])
    error_message = "Each of network's ranges is an IPv4 range such as 10.0.0.0/22."
  }
  validation {
    condition     = var.network.static_addresses == 0 || var.network.existing == null
    error_message = "network.static_addresses are of the network that is made here; an existing one has its own NAT."
  }
}

variable "operator" {
  description = "The IAM member that deploys, beside `operators`; deploy.sh gives it."
  type        = string
  default     = null
  validation {
    condition     = var.operator == null || can(regex("^(user|group|serviceAccount):|^principal(Set)?://iam.googleapis.com/", var.operator))
    error_message = "operator is an IAM member: user:, group: or serviceAccount: with an address, or a principal:// of a workload or workforce identity pool."
  }
}

variable "operators" {
  description = "IAM members that run the smoke test, such as user:you@example.com or a principal:// of an identity pool: they may sign the URL of the sample wheel."
  type        = list(string)
  default     = []
  nullable    = false
  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount):|^principal(Set)?://iam.googleapis.com/", member))])
    error_message = "Each of operators begins with user:, group:, serviceAccount:, principal:// or principalSet://."
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

variable "request_log_share" {
  description = "Share of the requests that the load balancer logs, 0 to 1; less costs less."
  type        = number
  default     = 1
  nullable    = false
  validation {
    condition     = var.request_log_share >= 0 && var.request_log_share <= 1
    error_message = "request_log_share lies between 0 and 1."
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
    condition     = alltrue([for name, value in var.settings : try(local.settings[name].whole == null || floor(tonumber(value)) == tonumber(value), false)])
    error_message = "settings has a fraction where only a whole number fits: docs/settings.md says which are whole."
  }
  validation {
    condition = try(
      tonumber(lookup(var.settings, "silence_seconds", local.settings["silence_seconds"].default)) >=
      2 * tonumber(lookup(var.settings, "check_in_seconds", local.settings["check_in_seconds"].default)), false
    )
    error_message = "settings.silence_seconds is at least twice check_in_seconds: one late check-in is no outage."
  }
}

variable "suffix" {
  description = "End of the names that Google keeps blocked after a deletion, those of queues (3 days) and custom roles (37 days): give another one, such as 2, to deploy again after a destroy."
  type        = string
  default     = ""
  nullable    = false
  validation {
    condition     = can(regex("^([a-z0-9]{1,8})?$", var.suffix))
    error_message = "suffix has up to 8 lower-case letters and digits."
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

variable "web_console" {
  description = "The console for tenants at /app/; null leaves it out. client_id is that of a public OAuth application (code and PKCE, no secret) at the issuer of customer_realm, with the output console_url as redirect URI and as a page to return to after a sign-out. Its access tokens must be JWTs that customer_realm accepts, with the organization's claims; scopes are what the issuer wants to hear for them. Its files are public: an organization policy that prevents public buckets must except this one."
  type = object({
    client_id = string
    scopes    = optional(list(string), ["openid", "profile", "email", "offline_access"])
  })
  default = null
  validation {
    condition     = var.web_console == null || var.gateway == "load_balancer"
    error_message = "web_console needs gateway = \"load_balancer\": a function alone serves no files."
  }
  validation {
    condition     = can(regex("^[^ ]+$", var.web_console == null ? "none" : var.web_console.client_id))
    error_message = "web_console.client_id is the id that the issuer gave the application, without spaces."
  }
}
