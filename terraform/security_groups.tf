# Three groups, and on purpose all three ways in which the AWS provider lets a rule be written.
# A group must not mix inline blocks with rule resources: each apply of one would undo the other.

# Inline blocks.
resource "aws_security_group" "admin" {
  name        = "admin"
  description = "SSH from the administrators' networks"
  vpc_id      = aws_vpc.main.id

  ingress {
    description = "SSH"
    from_port   = 22
    to_port     = 22
    protocol    = "tcp"
    cidr_blocks = var.admin_cidrs
  }

  egress {
    description = "Anywhere: updates, names, time"
    from_port   = 0
    to_port     = 0
    protocol    = "-1"
    cidr_blocks = ["0.0.0.0/0"]
  }

  tags = { Name = "admin" }
}

# One resource per rule: what the provider recommends.
resource "aws_security_group" "web" {
  name        = "web"
  description = "Public web service"
  vpc_id      = aws_vpc.main.id
  tags        = { Name = "web", exposure = "public" }
}

resource "aws_vpc_security_group_ingress_rule" "web_public" {
  security_group_id = aws_security_group.web.id
  description       = "Web service for everyone"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "tcp"
  from_port         = var.web_port
  to_port           = var.web_port
}

resource "aws_vpc_security_group_egress_rule" "web_out" {
  security_group_id = aws_security_group.web.id
  description       = "Anywhere: the bucket, the back host"
  cidr_ipv4         = "0.0.0.0/0"
  ip_protocol       = "-1"
}

# The older rule resource, which can hold several sources at once.
resource "aws_security_group" "front_to_back" {
  name        = "front-to-back"
  description = "From the front hosts to the back hosts"
  vpc_id      = aws_vpc.main.id
  tags        = { Name = "front-to-back" }
}

resource "aws_security_group_rule" "back_from_front" {
  type                     = "ingress"
  security_group_id        = aws_security_group.front_to_back.id
  source_security_group_id = aws_security_group.web.id
  protocol                 = "tcp"
  from_port                = var.service_port
  to_port                  = var.service_port
  description              = "App traffic from the front"
}

# A warning in the plan, not an error: correcting such a port is what the demonstration's change does.
check "web_port_is_the_services_port" {
  assert {
    condition     = var.web_port == var.service_port
    error_message = "The web group opens port ${var.web_port}, but the service listens on ${var.service_port}: nobody will answer."
  }
}
