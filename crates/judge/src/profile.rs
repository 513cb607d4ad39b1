use std::collections::BTreeMap;

use konform_terms::{Digest, Measured};
use serde::{Deserialize, Serialize};

use crate::{
    case::{Calibration, PackCalibration, Reading, Settings, Shift},
    prompt::PROMPT_VERSION,
};

/// The version of the format of a [`Profile`].
const FORMAT: &str = "konform-calibration/1";

/// What was found out about one model on labelled data (`konform eval`): how to ask it, what its
/// log-odds are worth, and from which probability on it may decide. A JSON file beside the model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    /// `konform-calibration/1`.
    format: String,
    /// The digest of the model's file.
    pub model: Digest,
    /// The version of the prompt's wording that it was asked with.
    pub prompt: String,
    /// How it read the evidence.
    pub reading: Reading,
    /// How many segments it read at most.
    pub max_evidence: usize,
    /// How many passages it read at most.
    pub max_passages: usize,
    /// Whether its leaning to yes or no was taken out.
    #[serde(default)]
    pub balanced: bool,
    /// What makes its log-odds probabilities; absent for a model that was not measured yet.
    pub calibration: Option<Calibration>,
    /// The probability below which a person decides.
    pub threshold: f64,
    /// On what data the calibration was found.
    pub fitted_on: Option<Measured>,
    /// What holds instead for the requirements of packs with labelled documents of their own.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub packs: BTreeMap<String, OfPack>,
}

/// What was found on labelled documents of one pack.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfPack {
    /// What makes the model's log-odds probabilities.
    pub calibration: Calibration,
    /// The probability below which a person decides.
    pub threshold: f64,
    /// What is different for single requirements, by their id (`pack/name`).
    #[serde(default)]
    pub requirements: BTreeMap<String, Shift>,
    /// On what data this was found.
    pub fitted_on: Option<Measured>,
}

/// Says why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// It is not one.
    #[error("it is not a calibration file that `konform eval` wrote")]
    Malformed(#[source] serde_json::Error),
    /// It belongs to another model.
    #[error("it was made for the model {made_for}, and the model in use is {used}")]
    OtherModel {
        /// The model of the profile.
        made_for: Digest,
        /// The model in use.
        used: Digest,
    },
    /// It was made for another wording of the prompt.
    #[error("it was made for {made_for}, and this konform asks with {PROMPT_VERSION}")]
    OtherPrompt {
        /// The wording of the profile.
        made_for: String,
    },
    /// A number in it makes no sense.
    #[error("{what} is {value}, which makes no sense")]
    Value {
        /// Which number.
        what: &'static str,
        /// Its value.
        value: f64,
    },
}

impl ProfileError {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> &'static str {
        "run `konform eval` with this model on labelled documents: it writes a calibration file"
    }
}

impl Profile {
    /// Describes a model that was judged by with `settings`.
    #[must_use]
    pub fn new(model: Digest, settings: &Settings, fitted_on: Option<Measured>) -> Self {
        Self {
            format: FORMAT.to_owned(),
            model,
            prompt: PROMPT_VERSION.to_owned(),
            reading: settings.reading,
            max_evidence: settings.max_evidence,
            max_passages: settings.max_passages,
            balanced: settings.balanced,
            calibration: settings.calibration,
            threshold: settings.threshold,
            fitted_on,
            packs: BTreeMap::new(),
        }
    }

    /// Reads a profile and checks that it is about a model and about this konform's prompt.
    ///
    /// # Errors
    /// Where it is malformed, about something else, or holds a number without sense.
    pub fn read(json: &str, model: Digest) -> Result<Self, ProfileError> {
        let profile: Self = serde_json::from_str(json).map_err(ProfileError::Malformed)?;
        if profile.model != model {
            return Err(ProfileError::OtherModel {
                made_for: profile.model,
                used: model,
            });
        }
        if profile.format != FORMAT || profile.prompt != PROMPT_VERSION {
            return Err(ProfileError::OtherPrompt {
                made_for: format!("{} ({})", profile.prompt, profile.format),
            });
        }
        sensible(
            profile.calibration.unwrap_or(Calibration::NONE),
            profile.threshold,
        )?;
        for pack in profile.packs.values() {
            sensible(pack.calibration, pack.threshold)?;
            for shift in pack.requirements.values() {
                within("silence", shift.silence, PRIORS)?;
                within("denial", shift.denial, PRIORS)?;
            }
        }
        Ok(profile)
    }

    /// The settings that it asks for.
    #[must_use]
    pub fn settings(&self) -> Settings {
        Settings {
            reading: self.reading,
            max_evidence: self.max_evidence,
            max_passages: self.max_passages,
            balanced: self.balanced,
            threshold: self.threshold,
            calibration: self.calibration,
            packs: self
                .packs
                .iter()
                .map(|(id, own)| {
                    let own = PackCalibration {
                        calibration: own.calibration,
                        threshold: own.threshold,
                        requirements: own.requirements.clone(),
                    };
                    (id.clone(), own)
                })
                .collect(),
            ..Settings::default()
        }
    }

    /// On what data was found what holds for some packs; each set once.
    #[must_use]
    pub fn measured<'a>(&self, packs: impl IntoIterator<Item = &'a str>) -> Vec<Measured> {
        let mut found: Vec<Measured> = Vec::new();
        for pack in packs {
            let own = match self.packs.get(pack) {
                Some(own) => own.fitted_on.as_ref(),
                None => self.fitted_on.as_ref(),
            };
            if let Some(own) = own.filter(|own| !found.contains(own)) {
                found.push(own.clone());
            }
        }
        found
    }
}

/// What a prior may be.
const PRIORS: std::ops::RangeInclusive<f64> = -100.0..=100.0;

fn sensible(calibration: Calibration, threshold: f64) -> Result<(), ProfileError> {
    within("temperature", calibration.temperature, 0.01..=100.0)?;
    within("silence", calibration.silence, PRIORS)?;
    within("denial", calibration.denial, PRIORS)?;
    within("threshold", threshold, 0.0..=1.0)
}

fn within(
    what: &'static str,
    value: f64,
    sensible: std::ops::RangeInclusive<f64>,
) -> Result<(), ProfileError> {
    if sensible.contains(&value) {
        Ok(())
    } else {
        Err(ProfileError::Value { what, value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(settings: &Settings) -> Profile {
        Profile::new(
            Digest::of("model"),
            settings,
            Some(Measured {
                set: "set".into(),
                digest: Digest::of("set"),
                documents: 3,
                labels: 20,
                accuracy: 0.75,
                most_frequent: Some(0.5),
                calibration_error: 0.04,
                decided: 0.4,
                decided_right: 0.95,
            }),
        )
    }

    #[test]
    fn a_profile_gives_the_settings_back_that_it_was_made_of() {
        let settings = Settings {
            reading: Reading::Each,
            max_evidence: 12,
            max_passages: 0,
            threshold: 0.75,
            calibration: Some(Calibration {
                temperature: 1.5,
                silence: -0.25,
                denial: 0.5,
            }),
            ..Settings::default()
        };
        let json = serde_json::to_string(&profile(&settings)).unwrap();
        let read = Profile::read(&json, Digest::of("model")).unwrap();
        assert_eq!(read.settings(), settings);
    }

    /// A profile whose pack `own` is calibrated apart, on another set.
    fn with_pack() -> Profile {
        let settings = Settings {
            threshold: 0.9,
            calibration: Some(Calibration::NONE),
            ..Settings::default()
        };
        let mut profile = profile(&settings);
        let own = OfPack {
            calibration: Calibration {
                temperature: 2.0,
                silence: 1.0,
                denial: -1.0,
            },
            threshold: 0.7,
            requirements: BTreeMap::from([(
                "own/fees".to_owned(),
                Shift {
                    silence: -0.5,
                    denial: 0.25,
                },
            )]),
            fitted_on: profile.fitted_on.clone().map(|measured| Measured {
                set: "other".into(),
                ..measured
            }),
        };
        profile.packs.insert("own".to_owned(), own);
        profile
    }

    #[test]
    fn a_pack_with_labels_of_its_own_has_its_own_calibration() {
        let json = serde_json::to_string(&with_pack()).unwrap();
        let mut settings = Profile::read(&json, Digest::of("model"))
            .unwrap()
            .settings();
        let own = |silence, denial| Calibration {
            temperature: 2.0,
            silence,
            denial,
        };
        assert_eq!(settings.of("own/fees"), (Some(own(0.5, -0.75)), 0.7));
        assert_eq!(settings.of("own/dates"), (Some(own(1.0, -1.0)), 0.7));
        assert_eq!(settings.of("else/fees"), (Some(Calibration::NONE), 0.9));
        settings.decide_from(0.0);
        assert!(settings.of("own/fees").1 + settings.of("else/fees").1 < 1e-9);
    }

    #[test]
    fn figures_are_those_of_the_packs_in_use() {
        let sets = |packs: &[&str]| -> Vec<String> {
            let measured = with_pack().measured(packs.iter().copied());
            measured.into_iter().map(|measured| measured.set).collect()
        };
        assert_eq!(sets(&["own"]), ["other"]);
        assert_eq!(sets(&["a", "own", "b"]), ["set", "other"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_with_the_reason() {
        let settings = Settings {
            calibration: Some(Calibration::NONE),
            ..Settings::default()
        };
        let good = serde_json::to_string(&profile(&settings)).unwrap();
        let cases = [
            good.replace("konform-prompt/4", "konform-prompt/1"),
            good.replace("\"temperature\":1.0", "\"temperature\":0.0"),
            good.replace("\"threshold\":0.6", "\"threshold\":60"),
            "{}".to_owned(),
        ];
        let mut said: Vec<String> = cases
            .iter()
            .map(|json| {
                Profile::read(json, Digest::of("model"))
                    .unwrap_err()
                    .to_string()
            })
            .collect();
        let other = Profile::read(&good, Digest::of("other")).unwrap_err();
        said.push(other.to_string().chars().take(40).collect());
        insta::assert_snapshot!(said.join("\n"), @r"
        it was made for konform-prompt/1 (konform-calibration/1), and this konform asks with konform-prompt/4
        temperature is 0, which makes no sense
        threshold is 60, which makes no sense
        it is not a calibration file that `konform eval` wrote
        it was made for the model sha256:9372c47
        ");
    }
}
