variable "build" {
  description = "How the source becomes a container: the account that builds (its id), the address of the image registry, and a private pool of workers (null = Google's)."
  type = object({
    service_account = string
    registry        = string
    worker_pool     = optional(string)
  })
}

variable "callers" {
  description = "IAM members that may invoke the function, by a name that is known while planning."
  type        = map(string)
  default     = {}
}

variable "description" {
  description = "One sentence."
  type        = string
}

variable "environment" {
  description = "Environment variables."
  type        = map(string)
}

variable "function" {
  description = "Name of its folder under functions/ and of its entry point."
  type        = string
}

variable "ingress" {
  description = "Where requests may come from, as Cloud Run names it."
  type        = string
}

variable "kms_key" {
  description = "Id of the Cloud KMS key that the container is encrypted with; null = Google's keys."
  type        = string
  default     = null
}

variable "name" {
  description = "Name of the function, its service and its service account."
  type        = string
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.name))
    error_message = "A function is named like its service account: 6 to 30 lower-case letters, digits and dashes."
  }
}

variable "network" {
  description = "The network that all its requests leave through, and the subnetwork it gets addresses from; null = the internet directly."
  type = object({
    network    = string
    subnetwork = string
  })
  default = null
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "public" {
  description = "Whether anyone may call it, its own check of the token being the only one; else only `callers` may."
  type        = bool
}

variable "region" {
  description = "Region it runs in."
  type        = string
}

variable "secrets" {
  description = "Environment variables that hold a secret: its id and version. The account gets to read it."
  type = map(object({
    id      = string
    version = string
  }))
  default = {}
}

variable "size" {
  description = "Memory, CPU, requests at a time and instances; timeout in seconds."
  type = object({
    memory        = string
    cpu           = string
    concurrency   = number
    timeout       = number
    min_instances = number
    max_instances = number
  })
}

variable "sources_bucket" {
  description = "Name of the bucket of the functions' sources."
  type        = string
}

variable "url" {
  description = "The address Cloud Run gives it, known from its name."
  type        = string
}
