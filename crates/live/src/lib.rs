//! The live view's documents: `live.json`, and EC2's own JSON as the AWS CLI prints it; both become an inventory.
