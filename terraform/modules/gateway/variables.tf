variable "console" {
  description = "The web console: the bucket of its files, and the headers of every answer from there. Null leaves it out."
  type = object({
    bucket  = string
    headers = map(string)
  })
  default = null
}

variable "default_function" {
  description = "The function that answers every other path with its 404."
  type        = string
}

variable "domains" {
  description = "The host names that callers use, the first being the API's own; empty for a trial's public wildcard name."
  type        = list(string)
  default     = []
}

variable "functions" {
  description = "The public functions: the Cloud Run service of each, and the paths that lead to it."
  type = map(object({
    service = string
    paths   = list(string)
  }))
}

variable "log_sample_rate" {
  description = "Share of the requests that the load balancer logs, 0 to 1."
  type        = number
  default     = 1
}

variable "name" {
  description = "Beginning of every name."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "rate_limit" {
  description = "Requests that one client address may make in a minute."
  type        = number
}

variable "region" {
  description = "Region of the functions."
  type        = string
}
