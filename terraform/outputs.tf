output "web_security_group_id" {
  description = "Id of the group whose members must answer: portcullis-check-services asks them."
  value       = aws_security_group.web.id
}

output "front_public_ip" {
  description = "Public address of the front host."
  value       = aws_eip.front.public_ip
}

output "web_url" {
  description = "Where the web service answers."
  value       = "http://${aws_eip.front.public_ip}:${var.web_port}/"
}

output "back_private_ip" {
  description = "Private address of the back host."
  value       = aws_instance.back.private_ip
}

output "picture_bucket" {
  description = "Name of the bucket that only the front host may read."
  value       = aws_s3_bucket.picture.bucket
}
