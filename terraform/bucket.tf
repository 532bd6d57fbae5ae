resource "aws_s3_bucket" "picture" {
  bucket_prefix = "${var.name}-picture-"

  # The estate is for trying things out: `terraform destroy` shall leave nothing.
  force_destroy = true
}

resource "aws_s3_object" "picture" {
  bucket       = aws_s3_bucket.picture.id
  key          = "picture.svg"
  source       = "${path.module}/service/picture.svg"
  source_hash  = filemd5("${path.module}/service/picture.svg")
  content_type = "image/svg+xml"
}

# S3 does not call a policy public when it names fixed addresses, so the block can stay on in full
# (Amazon S3 user guide, "Blocking public access to your Amazon S3 storage", section "The meaning of public").
resource "aws_s3_bucket_public_access_block" "picture" {
  bucket                  = aws_s3_bucket.picture.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

# The front host reads the bucket by its public address. A VPC endpoint for S3 would hide that address from the
# bucket, and this policy would then close.
resource "aws_s3_bucket_policy" "picture" {
  bucket = aws_s3_bucket.picture.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Sid       = "FrontOnly"
      Effect    = "Allow"
      Principal = "*"
      Action    = "s3:GetObject"
      Resource  = "${aws_s3_bucket.picture.arn}/*"
      Condition = { IpAddress = { "aws:SourceIp" = "${aws_eip.front.public_ip}/32" } }
    }]
  })

  depends_on = [aws_s3_bucket_public_access_block.picture]
}
