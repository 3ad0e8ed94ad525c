# Connects a new S3 bucket to a Dataloop project, through the stack in ../cloudformation/integration.yml.

terraform {
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}

variable "stage" {
  description = "Stage that dataloop-cross-account was deployed with, in this account and region"
  type        = string
  default     = "dev"
}

variable "name" {
  description = "Name of the integration"
  type        = string
}

variable "bucket_name" {
  description = "Name of the new bucket"
  type        = string
}

variable "project_id" {
  description = "Id of the project at Dataloop"
  type        = string
}

variable "dataset_name" {
  description = "Name of a new dataset on the bucket; empty for none"
  type        = string
  default     = ""
}

resource "aws_cloudformation_stack" "images" {
  name          = var.name
  template_body = file("${path.module}/../cloudformation/integration.yml")

  parameters = {
    Stage       = var.stage
    Name        = var.name
    BucketName  = var.bucket_name
    ProjectId   = var.project_id
    DatasetName = var.dataset_name
  }

  # CloudFormation waits for an hour at most, and then rolls back.
  timeouts {
    create = "130m"
    update = "130m"
    delete = "65m"
  }
}

output "integration_id" {
  value = aws_cloudformation_stack.images.outputs["IntegrationId"]
}

output "role_arn" {
  value = aws_cloudformation_stack.images.outputs["RoleArn"]
}
