//! Who owns a phone number, proved by a token that was sent there.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{AccountId, AuthEvent, ChallengeId, OneTimeToken, PhoneNumber, TokenHash};

/// What somebody wants to prove that a number is theirs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// To sign in.
    SignIn,
    /// To sign up.
    SignUp,
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: [Self; 2] = [Self::SignIn, Self::SignUp];

    /// The word that the log of verifications uses.
    pub const fn name(self) -> &'static str {
        match self {
            Self::SignIn => "SIGNIN",
            Self::SignUp => "SIGNUP",
        }
    }

    /// The purpose with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|it| it.name() == name)
    }
}

/// What became of a challenge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChallengeState {
    /// Nobody has shown its token yet.
    Open,
    /// Somebody has.
    Confirmed {
        /// When.
        at: DateTime<Utc>,
    },
    /// It was confirmed, and an account was opened with it.
    Spent {
        /// When it was confirmed.
        at: DateTime<Utc>,
    },
    /// It was guessed at too often.
    Failed {
        /// When.
        at: DateTime<Utc>,
    },
}

/// One token that was sent, and what came of it: an entry in the log of verifications.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct Challenge {
    pub id: ChallengeId,
    /// Which one of its number this is, from 1.
    pub sequence: u32,
    pub purpose: Purpose,
    /// Whose number it is, as far as that is known.
    pub account_id: Option<AccountId>,
    pub token: TokenHash,
    pub requested_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub wrong_tries: u32,
    /// Wrong tries with earlier challenges since the last right one.
    pub failures_before: u32,
    pub state: ChallengeState,
}

impl Challenge {
    /// Wrong tries since the last right one, those with this challenge included.
    fn failures(&self) -> u32 {
        match self.state {
            ChallengeState::Confirmed { .. } | ChallengeState::Spent { .. } => 0,
            ChallengeState::Open | ChallengeState::Failed { .. } => self.failures_before + self.wrong_tries,
        }
    }
}

/// The latest challenges of one number; the newest one counts, those before it are void.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneVerification {
    phone_number: PhoneNumber,
    /// The newest first, at most [`Self::REQUESTS`].
    challenges: Vec<Challenge>,
}

/// Why no token is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotRequest {
    /// As many as may be sent in a day were sent.
    #[error("the number is blocked until {until}")]
    Blocked {
        /// When the next one may be requested.
        until: DateTime<Utc>,
    },
    /// So many wrong tokens were shown for it that nobody is believed any more.
    #[error("too many wrong tokens were shown for this number")]
    Stopped,
}

/// Why no token is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CannotConfirm {
    /// No token was requested for this, or a newer one was for something else.
    #[error("no token was requested")]
    NotRequested,
    /// It came too late.
    #[error("the token has expired")]
    Expired,
    /// It was used, or guessed at too often.
    #[error("the token is void")]
    Void,
    /// So many wrong tokens were shown for the number that nobody is believed any more.
    #[error("too many wrong tokens were shown for this number")]
    Stopped,
}

/// Who shows a token, or asks for one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShownBy {
    /// Anybody.
    Anybody,
    /// Somebody at a device on which the number's owner signed in before. What others tried ends at the limits for
    /// anybody, and what comes on top is the owner's own: nobody locks them out by guessing (OWASP, device cookies).
    KnownDevice,
}

impl ShownBy {
    /// Wrong tokens after which a challenge is void.
    const fn tries(self) -> u32 {
        match self {
            Self::Anybody => PhoneVerification::TRIES,
            Self::KnownDevice => 2 * PhoneVerification::TRIES,
        }
    }

    /// Wrong tokens in a row after which a number is stopped.
    const fn failures(self) -> u32 {
        match self {
            Self::Anybody => PhoneVerification::FAILURES,
            Self::KnownDevice => 2 * PhoneVerification::FAILURES,
        }
    }
}

/// What comparing a token came to. Either changes the verification, and has to be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// It was the right one.
    Right,
    /// It was not; the challenge has one try less.
    Wrong,
}

/// The number was not confirmed, or too long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the phone number is not confirmed")]
pub struct NotConfirmed;

/// A token to send.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub struct NewChallenge {
    pub id: ChallengeId,
    pub purpose: Purpose,
    /// Whose number it is, as far as that is known.
    pub account_id: Option<AccountId>,
    pub token: OneTimeToken,
    /// The keyed hash of that token.
    pub token_hash: TokenHash,
}

impl PhoneVerification {
    /// Tokens that are sent to a number in a day.
    pub const REQUESTS: usize = 5;
    /// How long such a day is.
    pub const DAY: TimeDelta = TimeDelta::hours(24);
    /// How long a token is good (OWASP ASVS 5, 6.5.5: at most 10 minutes).
    pub const TOKEN_LIFETIME: TimeDelta = TimeDelta::minutes(3);
    /// Wrong tokens of anybody after which a challenge is void.
    pub const TRIES: u32 = 5;
    /// Wrong tokens of anybody in a row after which a number is stopped (NIST SP 800-63B, 5.2.2).
    pub const FAILURES: u32 = 100;
    /// How long somebody who confirmed a number may take to sign up.
    pub const SIGN_UP_WINDOW: TimeDelta = TimeDelta::minutes(10);

    /// What is known of `phone_number`: its latest challenges, the newest first.
    pub fn of(phone_number: PhoneNumber, challenges: Vec<Challenge>) -> Self {
        Self { phone_number, challenges }
    }

    /// The number.
    pub fn phone_number(&self) -> &PhoneNumber {
        &self.phone_number
    }

    /// The challenge that counts.
    pub fn newest(&self) -> Option<&Challenge> {
        self.challenges.first()
    }

    /// Sends another token, which voids the last one.
    pub fn request(&mut self, new: NewChallenge, by: ShownBy, now: DateTime<Utc>) -> Result<AuthEvent, CannotRequest> {
        if self.failures() >= by.failures() {
            return Err(CannotRequest::Stopped);
        }
        // The oldest of as many as may be sent in a day: the next one has to be a day younger.
        if let Some(oldest) = self.challenges.get(Self::REQUESTS - 1) {
            let until = oldest.requested_at + Self::DAY;
            if now < until {
                return Err(CannotRequest::Blocked { until });
            }
        }
        let NewChallenge { id, purpose, account_id, token, token_hash } = new;
        let challenge = Challenge {
            id,
            sequence: self.newest().map_or(1, |it| it.sequence + 1),
            purpose,
            account_id,
            token: token_hash,
            requested_at: now,
            expires_at: now + Self::TOKEN_LIFETIME,
            wrong_tries: 0,
            failures_before: self.failures(),
            state: ChallengeState::Open,
        };
        self.challenges.insert(0, challenge);
        self.challenges.truncate(Self::REQUESTS);
        Ok(AuthEvent::VerificationAttempt { challenge_id: id, phone_number: self.phone_number.clone(), token })
    }

    /// Compares a token with the newest challenge, which is used up if it is the right one.
    pub fn confirm(
        &mut self,
        purpose: Purpose,
        token: TokenHash,
        by: ShownBy,
        now: DateTime<Utc>,
    ) -> Result<Comparison, CannotConfirm> {
        let failures = self.failures();
        let challenge = self.challenges.first_mut().filter(|it| it.purpose == purpose);
        let challenge = challenge.ok_or(CannotConfirm::NotRequested)?;
        if failures >= by.failures() {
            return Err(CannotConfirm::Stopped);
        }
        match challenge.state {
            ChallengeState::Open => {}
            ChallengeState::Failed { .. } if challenge.wrong_tries < by.tries() => {}
            ChallengeState::Failed { .. } | ChallengeState::Confirmed { .. } | ChallengeState::Spent { .. } => {
                return Err(CannotConfirm::Void);
            }
        }
        if now >= challenge.expires_at {
            return Err(CannotConfirm::Expired);
        }
        if challenge.token == token {
            challenge.state = ChallengeState::Confirmed { at: now };
            return Ok(Comparison::Right);
        }
        challenge.wrong_tries += 1;
        if challenge.wrong_tries >= Self::TRIES {
            challenge.state = ChallengeState::Failed { at: now };
        }
        Ok(Comparison::Wrong)
    }

    /// Uses up a confirmed number: an account is opened with it.
    pub fn spend(&mut self, account_id: AccountId, now: DateTime<Utc>) -> Result<(), NotConfirmed> {
        self.confirmed_for_sign_up(now)?;
        if let Some(challenge) = self.challenges.first_mut()
            && let ChallengeState::Confirmed { at } = challenge.state
        {
            challenge.state = ChallengeState::Spent { at };
            challenge.account_id = Some(account_id);
        }
        Ok(())
    }

    /// Believes a number again that was stopped: somebody vouches for its owner. Whether it was stopped.
    pub fn pardon(&mut self) -> bool {
        let was_stopped = self.failures() >= Self::FAILURES;
        if let Some(challenge) = self.challenges.first_mut().filter(|_| was_stopped) {
            challenge.failures_before = 0;
        }
        was_stopped
    }

    /// Whether an account may be opened with the number now.
    pub fn confirmed_for_sign_up(&self, now: DateTime<Utc>) -> Result<(), NotConfirmed> {
        match self.newest() {
            Some(Challenge { purpose: Purpose::SignUp, state: ChallengeState::Confirmed { at }, .. })
                if now < *at + Self::SIGN_UP_WINDOW =>
            {
                Ok(())
            }
            _ => Err(NotConfirmed),
        }
    }

    fn failures(&self) -> u32 {
        self.newest().map_or(0, Challenge::failures)
    }
}

#[cfg(test)]
#[path = "verification_tests.rs"]
mod tests;
