//! How well a database does on labelled banners: what it finds of what there is to be found, what it gets wrong, and what
//! it says of banners that no device sent. Each banner counts as an address of its own.

use std::collections::BTreeMap;

use serde::Serialize;

use super::build::{Labelled, maker_key};
use super::database::Database;
use super::matcher::{Matcher, Scratch};
use super::score::{BannerHits, ScoreSettings, Scorer};
use crate::model::device::{Device, Kind};
use crate::target::ports::{PortList, ProbePort};

/// A labelled banner with the groups that figures are kept for.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// The banner and what is true of it.
    pub labelled: Labelled,
    /// Protocol that it came by.
    pub protocol: String,
    /// Group of the evaluation, like `seen` and `unseen`; empty for none.
    pub regime: String,
}

/// Right ones of all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Share {
    /// How many were right.
    pub right: u64,
    /// Of how many.
    pub all: u64,
    /// The share, 0 to 1; 0 of none.
    pub share: f64,
}

impl Share {
    fn count(&mut self, right: bool) {
        self.right += u64::from(right);
        self.all += 1;
        self.share = self.right as f64 / self.all as f64;
    }
}

/// What is found of what the labels tell. Stable field names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Recall {
    /// Banners with a known model: an estimate names it.
    pub model: Share,
    /// With known maker and kind: an estimate names both.
    pub maker_and_kind: Share,
    /// With a known maker.
    pub maker: Share,
    /// With a known kind.
    pub kind: Share,
    /// With a known maker or kind: an estimate names one of them.
    pub maker_or_kind: Share,
}

/// The figures. Stable field names.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// th.
    pub threshold: f64,
    /// a.
    pub banner_share: f64,
    /// Labelled banners.
    pub banners: u64,
    /// Banners of which nothing is known: they count nowhere else.
    pub unlabelled: u64,
    /// Of these, without any estimate.
    pub without_estimate: u64,
    /// Of these, with an estimate that contradicts the label.
    pub wrong_device: Share,
    /// Banners of no device, with an estimate all the same.
    pub false_positives: u64,
    /// Banners of no device.
    pub negatives: u64,
    /// Over all labelled banners.
    pub recall: Recall,
    /// By level, from 1 (kind) to 4 (model): an estimate of this level or above that is right.
    pub recall_by_level: BTreeMap<u8, Share>,
    /// By the kind of the label.
    pub recall_by_kind: BTreeMap<String, Recall>,
    /// By protocol.
    pub recall_by_protocol: BTreeMap<String, Recall>,
    /// By regime, if the samples have any.
    pub recall_by_regime: BTreeMap<String, Recall>,
}

/// A database under evaluation, with what each sample and each negative holds of it.
#[derive(Debug)]
pub struct Evaluator<'a> {
    database: &'a Database,
    samples: Vec<(&'a Sample, Vec<super::database::KeywordId>, Vec<ProbePort>)>,
    negatives: Vec<(&'a Sample, Vec<super::database::KeywordId>, Vec<ProbePort>)>,
}

impl<'a> Evaluator<'a> {
    /// Matches every banner once; scores come later, for any settings.
    pub fn new(database: &'a Database, samples: &'a [Sample], negatives: &'a [Sample]) -> Self {
        let (matcher, mut scratch) = (Matcher::new(database), Scratch::default());
        let mut hits = |banner: &str| matcher.hits(banner.as_bytes(), &mut scratch).to_vec();
        let ports = |sample: &Sample| {
            sample.labelled.port.parse::<PortList>().map(|list| list.ports().to_vec()).unwrap_or_default()
        };
        let mut matched = |samples: &'a [Sample]| {
            samples.iter().map(|sample| (sample, hits(&sample.labelled.banner), ports(sample))).collect()
        };
        Self { database, samples: matched(samples), negatives: matched(negatives) }
    }

    /// The figures for these settings.
    pub fn figures(&self, settings: ScoreSettings) -> Evaluation {
        let scorer = Scorer::new(self.database, settings);
        let estimates = |text: &str, keywords: &[_], ports: &[ProbePort]| -> Vec<&Device> {
            let hits = [BannerHits { text: text.as_bytes(), keywords }];
            scorer.estimates(&hits, ports).iter().map(|estimate| self.database.device(estimate.device)).collect()
        };
        let mut figures = Evaluation {
            threshold: settings.threshold,
            banner_share: settings.banner_share,
            negatives: self.negatives.len() as u64,
            ..Evaluation::default()
        };
        for (sample, keywords, ports) in &self.samples {
            figures.count(sample, &estimates(&sample.labelled.banner, keywords, ports));
        }
        let is_device = |(negative, keywords, ports): &&(&Sample, Vec<_>, Vec<_>)| {
            !estimates(&negative.labelled.banner, keywords, ports).is_empty()
        };
        figures.false_positives = self.negatives.iter().filter(is_device).count() as u64;
        figures
    }
}

impl Evaluation {
    fn count(&mut self, sample: &Sample, estimates: &[&Device]) {
        let truth = Truth::of(&sample.labelled);
        if truth.level() == 0 {
            self.unlabelled += 1;
            return;
        }
        let banner = model_key(&sample.labelled.banner);
        self.banners += 1;
        self.without_estimate += u64::from(estimates.is_empty());
        self.wrong_device.count(estimates.iter().any(|device| truth.is_contradicted_by(device, &banner)));
        let protocol = Some(&sample.protocol).filter(|name| !name.is_empty()).cloned();
        let regime = Some(&sample.regime).filter(|name| !name.is_empty()).cloned();
        let kind = truth.kind.map(|kind| kind.name().to_owned());
        self.recall.count(&truth, estimates);
        for (groups, name) in [
            (&mut self.recall_by_kind, kind),
            (&mut self.recall_by_protocol, protocol),
            (&mut self.recall_by_regime, regime),
        ] {
            if let Some(name) = name {
                groups.entry(name).or_default().count(&truth, estimates);
            }
        }
        for level in 1..=truth.level() {
            let right = |device: &&&Device| device.level().number() >= level && truth.agrees_with(device);
            self.recall_by_level.entry(level).or_default().count(estimates.iter().find(right).is_some());
        }
    }
}

impl Recall {
    fn count(&mut self, truth: &Truth, estimates: &[&Device]) {
        let any = |right: &dyn Fn(&Device) -> bool| estimates.iter().any(|device| right(device));
        if truth.model.is_some() {
            self.model.count(any(&|device| truth.has_model(device)));
        }
        let (maker, kind) = (truth.maker.is_some(), truth.kind.is_some());
        if maker && kind {
            self.maker_and_kind.count(any(&|device| truth.has_maker(device) && truth.has_kind(device)));
        }
        if maker {
            self.maker.count(any(&|device| truth.has_maker(device)));
        }
        if kind {
            self.kind.count(any(&|device| truth.has_kind(device)));
        }
        if maker || kind {
            self.maker_or_kind.count(any(&|device| truth.has_maker(device) || truth.has_kind(device)));
        }
    }
}

/// What is true of a sample, in comparable form.
struct Truth {
    maker: Option<String>,
    kind: Option<Kind>,
    model: Option<String>,
}

impl Truth {
    fn of(labelled: &Labelled) -> Self {
        Self {
            maker: known(maker_key(&labelled.maker)),
            kind: labelled.kind.filter(|kind| kind.tells()),
            model: known(model_key(&labelled.model)),
        }
    }

    fn level(&self) -> u8 {
        match (&self.model, &self.maker, self.kind) {
            (Some(_), _, _) => 4,
            (None, Some(_), Some(_)) => 3,
            (None, Some(_), None) => 2,
            (None, None, Some(_)) => 1,
            (None, None, None) => 0,
        }
    }

    fn has_maker(&self, device: &Device) -> bool {
        self.maker.is_some() && maker_of(device) == self.maker
    }

    fn has_kind(&self, device: &Device) -> bool {
        self.kind.is_some() && device.kind == self.kind
    }

    fn has_model(&self, device: &Device) -> bool {
        let own = device.model.as_deref().map(model_key);
        own.is_some() && own == self.model && (self.maker.is_none() || !self.has_other_maker(device))
    }

    fn agrees_with(&self, device: &Device) -> bool {
        match device.level().number() {
            4 => self.has_model(device),
            3 => self.has_maker(device) && self.has_kind(device),
            2 => self.has_maker(device),
            _ => self.has_kind(device),
        }
    }

    /// Another maker; or another model, unless one name is part of the other or the banner itself says both: the name of a
    /// family agrees with those of its members. `banner` in the form of `model_key`.
    fn is_contradicted_by(&self, device: &Device, banner: &str) -> bool {
        let other_model = device.model.as_deref().map(model_key).zip(self.model.as_ref());
        self.has_other_maker(device)
            || other_model.is_some_and(|(own, true_one)| {
                !own.contains(true_one) && !true_one.contains(&own) && !banner.contains(&own)
            })
    }

    fn has_other_maker(&self, device: &Device) -> bool {
        let both = maker_of(device).zip(self.maker.as_ref());
        both.is_some_and(|(own, true_one)| {
            let (own, true_one) = (own.replace(' ', ""), true_one.replace(' ', ""));
            !own.contains(&true_one) && !true_one.contains(&own)
        })
    }
}

fn maker_of(device: &Device) -> Option<String> {
    device.maker.as_deref().filter(|maker| *maker != super::build::UNKNOWN_MAKER).map(maker_key).and_then(known)
}

/// A model's name without what differs between spellings.
fn model_key(model: &str) -> String {
    model.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

fn known(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}
