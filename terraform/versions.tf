terraform {
  required_version = ">= 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.31, < 7.0"
    }
  }

  # Empty on purpose: address, lock address and credentials come from TF_HTTP_* variables,
  # so that nothing about them is stored in a saved plan. See README.md.
  backend "http" {}
}

provider "aws" {
  region = var.region

  # An emulator knows neither real credentials nor virtual-hosted bucket names.
  # Where it listens is said by the provider's own variable, AWS_ENDPOINT_URL.
  s3_use_path_style           = var.emulator
  skip_credentials_validation = var.emulator
  skip_metadata_api_check     = var.emulator
  skip_requesting_account_id  = var.emulator

  default_tags {
    tags = { Estate = var.name }
  }
}
