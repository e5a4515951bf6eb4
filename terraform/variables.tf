# Made by `python -m terraform.tools.root` from modules/hub: change it there, and run `make generate`.
# What is given is checked there too.

variable "alert_emails" {
  description = "Addresses that alerts and the budget write to."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "alert_installations" {
  description = "How many installations may fail, fall silent or have their check-ins refused within minutes before alerts write: so many are hardly a single tenant's doing. Give more to a hub with thousands of installations."
  type        = number
  default     = 5
  nullable    = false
}

variable "allowed_images" {
  description = "Patterns of images, such as europe-docker.pkg.dev/acme/base/**, that pods may run beside the runtime image: Binary Authorization then refuses all others in the cluster that is made here. Null leaves Binary Authorization out. The policy is the project's: one environment of a project sets it."
  type        = list(string)
  default     = null
}

variable "audit" {
  description = "Data Access logs of secrets, objects, documents and borrowed identities; sink is where audit logs are kept as well, such as logging.googleapis.com/projects/audit/locations/global/buckets/hub. Null leaves the project's settings alone: they are one for all environments of a project."
  type = object({
    sink = optional(string)
  })
  default = {}
}

variable "budget" {
  description = "A monthly budget for the project; null leaves it out, since it needs rights on the billing account. currency is the billing account's own when null: any other one is refused."
  type = object({
    billing_account = string
    amount          = number
    currency        = optional(string)
  })
  default = null
}

variable "build_worker_pool" {
  description = "Id of a private Cloud Build pool that builds the containers, where policies demand one: projects/…/locations/…/workerPools/…. Null = Google's workers."
  type        = string
  default     = null
}

variable "check_in_keys" {
  description = "Names of the keys that runtimes' check-in tokens are made with; a new name makes a new key. The first makes the tokens, those of all are accepted: put a new one last before it is put first."
  type        = list(string)
  default     = ["1"]
  nullable    = false
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
}

variable "database" {
  description = "Where Firestore keeps its data: location is a region or a multi-region such as eur3 or nam5, null = the region, and cannot be changed later; name is for a database that was restored, null = one of this environment's name."
  type = object({
    location = optional(string)
    name     = optional(string)
  })
  default  = {}
  nullable = false
}

variable "default_scope" {
  description = "Who sees a customer's new provider whose author does not say: its own organization (tenant) or everyone (public)."
  type        = string
  default     = "tenant"
  nullable    = false
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
}

variable "egress" {
  description = "How the functions reach the world: internet directly, or through the network (Direct VPC egress), whose addresses, routes and proxies then hold for them too."
  type        = string
  default     = "internet"
  nullable    = false
}

variable "encryption" {
  description = "Cloud KMS keys that everything stored is encrypted with, in the region: key for all, database_key for a database in a multi-region (eur3 takes one in europe, nam5 one in us). Firestore, Artifact Registry and the cluster take a key at creation only. grants says whether the rights on the keys are given here. Null = Google's keys."
  type = object({
    key          = string
    database_key = optional(string)
    grants       = optional(bool, true)
  })
  default = null
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
}

variable "gateway" {
  description = "load_balancer = a global HTTPS load balancer with Cloud Armor, the domain and its certificate; none = one function answers every route at its own address on run.app, without a rate limit, a domain or the load balancer's price."
  type        = string
  default     = "load_balancer"
  nullable    = false
}

variable "image_pull_credentials" {
  description = "Secret of this project, made by hand, with the logins of private image registries that runtime versions come from, as Docker's config.json has them under auths. Pods pull with it; what runs is not restarted for it. Null = nodes pull as their own account, which an Artifact Registry repository of another project may let in."
  type = object({
    secret  = string
    version = optional(string, "latest")
  })
  default = null
}

variable "index_credentials" {
  description = "Secret of this project, made by hand, with the logins of private package indexes in settings.index_urls: host=user:password each, comma-separated. Null = none."
  type = object({
    secret  = string
    version = optional(string, "latest")
  })
  default = null
}

variable "more_domains" {
  description = "Further host names of the API. To change `domain` without an outage, put the new one here first, make its `dns_records`, and exchange the two once its certificate is active."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "name" {
  description = "Beginning of every resource's name; two environments in one project need two."
  type        = string
  default     = "hub"
  nullable    = false
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
}

variable "operator" {
  description = "The IAM member that deploys, beside `operators`; deploy.sh gives it."
  type        = string
  default     = null
}

variable "operators" {
  description = "IAM members that run the smoke test, such as user:you@example.com or a principal:// of an identity pool: they may sign the URL of the sample wheel."
  type        = list(string)
  default     = []
  nullable    = false
}

variable "project" {
  description = "Id of the Google Cloud project."
  type        = string
  nullable    = false
}

variable "rate_limit" {
  description = "Requests that one client address may make in a minute before it is answered 429."
  type        = number
  default     = 600
  nullable    = false
}

variable "request_log_share" {
  description = "Share of the requests that the load balancer logs, 0 to 1; less costs less."
  type        = number
  default     = 1
  nullable    = false
}

variable "region" {
  description = "Region of everything that has one. It cannot be changed later."
  type        = string
  nullable    = false
}

variable "runtime_image" {
  description = "Image of the runtime version that this deployment registers. Null = the one that deploy.sh builds from lib/pragma_runtime, its tag being the content's digest."
  type        = string
  default     = null
}

variable "runtime_platform" {
  description = "Newest platform tag of a wheel that runtime_image can load, by its C library and machine."
  type        = string
  default     = "manylinux_2_36_x86_64"
  nullable    = false
}

variable "runtime_python" {
  description = "CPython in runtime_image, which wheels are held against when they are published: 3.13, or with its patch release."
  type        = string
  default     = "3.13"
  nullable    = false
}

variable "settings" {
  description = "Settings of the functions that differ from their defaults, such as { bake_seconds = 3600 }: a variable of docs/settings.md that the operator sets, in lower case without HUB_."
  type        = map(string)
  default     = {}
  nullable    = false
}

variable "suffix" {
  description = "End of the names that Google keeps blocked after a deletion, those of queues (3 days) and custom roles (37 days): give another one, such as 2, to deploy again after a destroy."
  type        = string
  default     = ""
  nullable    = false
}

variable "upgrades_per_second" {
  description = "Steps of auto-upgrade rollouts that Cloud Tasks dispatches in a second, over all rollouts."
  type        = number
  default     = 5
  nullable    = false
}

variable "web_console" {
  description = "The console for tenants at /app/; null leaves it out. client_id is that of a public OAuth application (code and PKCE, no secret) at the issuer of customer_realm, with the output console_url as redirect URI and as a page to return to after a sign-out. Its access tokens must be JWTs that customer_realm accepts, with the organization's claims; scopes are what the issuer wants to hear for them. Its files are public: an organization policy that prevents public buckets must except this one."
  type = object({
    client_id = string
    scopes    = optional(list(string), ["openid", "profile", "email", "offline_access"])
  })
  default = null
}
