variable "cell_ranges" {
  description = "IPv4 ranges of the pods and services of further clusters, by their cells."
  type = map(object({
    pods     = string
    services = string
  }))
  default = {}
}

variable "name" {
  description = "Name of the network, and beginning of all others."
  type        = string
}

variable "project" {
  description = "Id of the project."
  type        = string
}

variable "ranges" {
  description = "IPv4 ranges of nodes, pods and services."
  type = object({
    nodes    = string
    pods     = string
    services = string
  })
}

variable "region" {
  description = "Region of the subnetwork."
  type        = string
}

variable "static_addresses" {
  description = "Number of reserved addresses that traffic to the internet comes from; 0 lets Google choose."
  type        = number
  default     = 0
}
