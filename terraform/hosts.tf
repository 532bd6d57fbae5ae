data "aws_ssm_parameter" "ami" {
  count = var.ami == null ? 1 : 0
  name  = var.ami_parameter
}

locals {
  # The provider marks every parameter's value as sensitive; the id of a public image is no secret.
  ami = var.ami == null ? nonsensitive(data.aws_ssm_parameter.ami[0].value) : var.ami

  service = file("${path.module}/service/service.py")
}

resource "aws_instance" "front" {
  ami                    = local.ami
  instance_type          = var.instance_type
  key_name               = var.key_name
  subnet_id              = aws_subnet.front.id
  vpc_security_group_ids = [aws_security_group.admin.id, aws_security_group.web.id]

  user_data_replace_on_change = true
  user_data = templatefile("${path.module}/service/user-data.sh.tftpl", {
    service     = local.service
    name        = "front"
    port        = var.service_port
    back_url    = "http://${aws_instance.back.private_ip}:${var.service_port}"
    picture_url = "https://${aws_s3_bucket.picture.bucket_regional_domain_name}/${aws_s3_object.picture.key}"
  })

  metadata_options {
    http_tokens = "required"
  }

  root_block_device {
    volume_size = 8 # GiB; the image needs no more, and emulators ask for a size
    encrypted   = true
  }

  tags = { Name = "front" }

  lifecycle {
    # A newer image in the SSM parameter must not replace a host as a side effect of a change of rules.
    ignore_changes = [ami]
  }
}

resource "aws_instance" "back" {
  ami                    = local.ami
  instance_type          = var.instance_type
  key_name               = var.key_name
  subnet_id              = aws_subnet.back.id
  vpc_security_group_ids = [aws_security_group.admin.id, aws_security_group.front_to_back.id]

  user_data_replace_on_change = true
  user_data = templatefile("${path.module}/service/user-data.sh.tftpl", {
    service     = local.service
    name        = "back"
    port        = var.service_port
    back_url    = ""
    picture_url = ""
  })

  metadata_options {
    http_tokens = "required"
  }

  root_block_device {
    volume_size = 8 # GiB; the image needs no more, and emulators ask for a size
    encrypted   = true
  }

  tags = { Name = "back" }

  lifecycle {
    ignore_changes = [ami]
  }
}

# The address people and the bucket's policy know; it stays when the host is replaced.
resource "aws_eip" "front" {
  domain   = "vpc"
  instance = aws_instance.front.id
  tags     = { Name = "front" }

  depends_on = [aws_internet_gateway.main]
}
