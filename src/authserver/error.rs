//! What a client is told that asked for something it does not get: the error codes of OAuth,
//! each with the status it goes with.

use std::borrow::Cow;
use std::fmt;
use std::num::NonZeroU32;

/// An error code; the registry is RFC 6749 §11.4, as the later ones extend it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Code {
    /// RFC 6749 §4.1.2.1, §5.2
    InvalidRequest,
    /// RFC 6749 §5.2
    InvalidClient,
    /// RFC 6749 §5.2
    InvalidGrant,
    /// RFC 6749 §4.1.2.1, §5.2
    UnauthorizedClient,
    /// RFC 6749 §5.2
    UnsupportedGrantType,
    /// RFC 6749 §4.1.2.1
    UnsupportedResponseType,
    /// RFC 6749 §4.1.2.1, §5.2
    InvalidScope,
    /// RFC 8707 §2
    InvalidTarget,
    /// RFC 6749 §4.1.2.1, RFC 8628 §3.5
    AccessDenied,
    /// RFC 8628 §3.5
    AuthorizationPending,
    /// RFC 8628 §3.5
    SlowDown,
    /// RFC 8628 §3.5
    ExpiredToken,
    /// RFC 7591 §3.2.2
    InvalidRedirectUri,
    /// RFC 7591 §3.2.2
    InvalidClientMetadata,
    /// RFC 7591 §3.2.2
    UnapprovedSoftwareStatement,
    /// RFC 6750 §3.1
    InvalidToken,
    /// RFC 6750 §3.1
    InsufficientScope,
    /// OpenID Connect Core §3.1.2.6
    LoginRequired,
    /// OpenID Connect Core §3.1.2.6
    ConsentRequired,
    /// OpenID Connect Core §3.1.2.6
    RequestNotSupported,
    /// OpenID Connect Core §3.1.2.6
    RequestUriNotSupported,
    /// OpenID Connect Core §3.1.2.6
    InvalidRequestUri,
    /// RFC 6749 §4.1.2.1
    ServerError,
    /// RFC 6749 §4.1.2.1
    TemporarilyUnavailable,
}

impl Code {
    /// As it is sent.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::InvalidRequest => "invalid_request",
            Self::InvalidClient => "invalid_client",
            Self::InvalidGrant => "invalid_grant",
            Self::UnauthorizedClient => "unauthorized_client",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::UnsupportedResponseType => "unsupported_response_type",
            Self::InvalidScope => "invalid_scope",
            Self::InvalidTarget => "invalid_target",
            Self::AccessDenied => "access_denied",
            Self::AuthorizationPending => "authorization_pending",
            Self::SlowDown => "slow_down",
            Self::ExpiredToken => "expired_token",
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
            Self::InvalidToken => "invalid_token",
            Self::InsufficientScope => "insufficient_scope",
            Self::LoginRequired => "login_required",
            Self::ConsentRequired => "consent_required",
            Self::RequestNotSupported => "request_not_supported",
            Self::RequestUriNotSupported => "request_uri_not_supported",
            Self::InvalidRequestUri => "invalid_request_uri",
            Self::ServerError => "server_error",
            Self::TemporarilyUnavailable => "temporarily_unavailable",
        }
    }

    /// The status of an answer that is no redirect (RFC 6749 §5.2, RFC 6750 §3.1).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::InvalidClient | Self::InvalidToken => 401,
            Self::InsufficientScope => 403,
            Self::ServerError => 500,
            Self::TemporarilyUnavailable => 503,
            _ => 400,
        }
    }
}

/// A refusal, as the client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OAuthError {
    /// `error`
    pub code: Code,
    /// `error_description`: printable ASCII without `"` and `\` (RFC 6749 §5.2), and nothing
    /// that the client sent.
    pub description: Cow<'static, str>,
    /// After how many seconds it may be asked again, where that was too often.
    pub retry_after: Option<NonZeroU32>,
}

impl OAuthError {
    /// A refusal that says why.
    pub fn new(code: Code, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            code,
            description: description.into(),
            retry_after: None,
        }
    }

    /// `temporarily_unavailable`, for who may come again after so many seconds (RFC 6585 §4).
    pub fn too_often(seconds: u64, description: impl Into<Cow<'static, str>>) -> Self {
        Self {
            retry_after: NonZeroU32::new(u32::try_from(seconds).unwrap_or(u32::MAX)),
            ..Self::new(Code::TemporarilyUnavailable, description)
        }
    }

    /// `invalid_request`
    pub fn request(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidRequest, description)
    }

    /// `invalid_grant`
    pub fn grant(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidGrant, description)
    }

    /// `invalid_client`
    pub fn client(description: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Code::InvalidClient, description)
    }
}

impl fmt::Display for OAuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.name(), self.description)
    }
}

/// What went wrong inside, which the log is told; the client hears `server_error` alone, or
/// `temporarily_unavailable` where it may come again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// For the log.
    pub message: String,
    /// Whether it may be over soon, as where the database does not answer.
    pub passing: bool,
}

impl Fault {
    /// A fault that stays until somebody mends it.
    pub fn lasting(error: impl fmt::Display) -> Self {
        Self {
            message: error.to_string(),
            passing: false,
        }
    }

    /// A fault that may be over soon.
    pub fn passing(error: impl fmt::Display) -> Self {
        Self {
            message: error.to_string(),
            passing: true,
        }
    }

    /// What a client is told of it.
    #[must_use]
    pub fn told(&self) -> OAuthError {
        let code = if self.passing {
            Code::TemporarilyUnavailable
        } else {
            Code::ServerError
        };
        OAuthError::new(code, "the server has a fault, which its log tells of")
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// Why a request is not answered as it was meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The client is at fault.
    Refused(OAuthError),
    /// The server is.
    Fault(Fault),
}

impl Failure {
    /// What the client is told.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(error) => error.code,
            Self::Fault(fault) => fault.told().code,
        }
    }
}

impl From<OAuthError> for Failure {
    fn from(error: OAuthError) -> Self {
        Self::Refused(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}
