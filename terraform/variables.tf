variable "name" {
  description = "Name of the estate: the tag every resource carries, and the start of the bucket's name."
  type        = string
  default     = "portcullis"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,30}[a-z0-9]$", var.name))
    error_message = "The name must be 3 to 32 characters: lower-case letters, digits and hyphens, a letter first, no hyphen last."
  }
}

variable "region" {
  description = "AWS region to build in."
  type        = string
  default     = "eu-west-1"

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "The region must look like eu-west-1."
  }
}

variable "emulator" {
  description = "True when AWS_ENDPOINT_URL points to an EC2 emulator instead of AWS."
  type        = bool
  default     = false
}

variable "vpc_cidr" {
  description = "IPv4 network of the VPC, /16 to /20. Front and back take the second and third of its 256 parts."
  type        = string
  default     = "10.20.0.0/16"

  validation {
    condition     = can(cidrhost(var.vpc_cidr, 0)) && can(regex("/(1[6-9]|20)$", var.vpc_cidr))
    error_message = "The VPC's network must be an IPv4 CIDR with a prefix of /16 to /20, such as 10.20.0.0/16."
  }

  validation {
    condition     = try(cidrhost(var.vpc_cidr, 0) == split("/", var.vpc_cidr)[0], false)
    error_message = "The VPC's network must have no host bits set: 10.20.0.0/16, not 10.20.0.1/16."
  }
}

variable "admin_cidrs" {
  description = "IPv4 networks that may administer the hosts over SSH. How wide they may be is the policy's business (policy.yaml)."
  type        = list(string)
  default     = ["203.0.113.0/28"]

  validation {
    condition     = length(var.admin_cidrs) > 0
    error_message = "At least one network must be able to administer the hosts."
  }

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : can(cidrnetmask(cidr))])
    error_message = "Each network must be an IPv4 CIDR, such as 203.0.113.0/28."
  }

  validation {
    condition     = alltrue([for cidr in var.admin_cidrs : try(cidrhost(cidr, 0) == split("/", cidr)[0], false)])
    error_message = "No network may have host bits set: 203.0.113.0/28, not 203.0.113.5/28."
  }
}

variable "service_port" {
  description = "TCP port the service listens on, on both hosts."
  type        = number
  default     = 8000

  validation {
    # Below 1024 the service's own user could not bind.
    condition     = var.service_port >= 1024 && var.service_port <= 65535 && floor(var.service_port) == var.service_port
    error_message = "The service's port must be a whole number from 1024 to 65535."
  }
}

variable "web_port" {
  description = "TCP port that the web group opens to everyone. The service answers only where this is service_port."
  type        = number
  default     = 8000

  validation {
    condition     = var.web_port >= 1 && var.web_port <= 65535 && floor(var.web_port) == var.web_port
    error_message = "The web port must be a whole number from 1 to 65535."
  }
}

variable "instance_type" {
  description = "EC2 instance type of both hosts. The default image is for x86_64."
  type        = string
  default     = "t3.micro"
}

variable "ami" {
  description = "Image of both hosts; null takes the newest that ami_parameter names. It must bring systemd and Python 3."
  type        = string
  default     = null

  validation {
    condition     = var.ami == null || can(regex("^ami-[0-9a-f]{8,17}$", var.ami))
    error_message = "The image must be an AMI id such as ami-0123456789abcdef0, or null."
  }
}

variable "ami_parameter" {
  description = "Public SSM parameter that holds the image's id, used while ami is null."
  type        = string
  default     = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
}

variable "key_name" {
  description = "Name of an existing EC2 key pair for SSH; null for none."
  type        = string
  default     = null
}
