//! Credentials: fetched once, before the first call, so that what is wrong with them is said plainly.

use super::Settings;
use crate::ReadError;
use aws_config::SdkConfig;
use aws_config::sts::AssumeRoleProvider;
use aws_sdk_ec2::config::{ProvideCredentials, SharedCredentialsProvider};

/// The configuration with the credentials that its own chain of providers gives. They outlive a reading: a session lasts
/// 15 minutes at least (STS API reference, `AssumeRole`).
pub(crate) async fn fixed(config: &SdkConfig, region: &str) -> Result<SdkConfig, ReadError> {
    match config.credentials_provider() {
        Some(provider) => with(config, region, &provider).await,
        // The chain is always there; without it the first call says what is missing.
        None => Ok(config.clone()),
    }
}

/// The same configuration, as a role.
pub(crate) async fn assume(
    config: &SdkConfig,
    region: &str,
    role: &str,
    settings: &Settings,
) -> Result<SdkConfig, ReadError> {
    let mut provider = AssumeRoleProvider::builder(role)
        .configure(config)
        .session_name(&*settings.session_name);
    if let Some(id) = &settings.external_id {
        provider = provider.external_id(id);
    }
    with(config, region, &provider.build().await).await
}

async fn with(
    config: &SdkConfig,
    region: &str,
    provider: &impl ProvideCredentials,
) -> Result<SdkConfig, ReadError> {
    let credentials = provider
        .provide_credentials()
        .await
        .map_err(|error| ReadError::of_credentials(region, error))?;
    Ok(config
        .to_builder()
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .build())
}
