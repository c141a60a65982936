//! The lines of a stack that call a module.

use super::stack::{Call, Module, Step};
use super::{Finding, Severity};

/// The line of a module in a stack.
#[derive(Clone, Copy)]
pub(super) struct Line<'a> {
    /// Which step of the stack it is.
    pub index: usize,
    pub step: &'a Step,
    pub module: &'a Module,
}

impl<'a> Line<'a> {
    pub fn at(stack: &'a [Step], index: usize) -> Option<Line<'a>> {
        let step = stack.get(index)?;
        match &step.call {
            Call::Module(module) => Some(Line {
                index,
                step,
                module,
            }),
            Call::Substack | Call::MustFail => None,
        }
    }

    pub fn all(stack: &'a [Step]) -> impl Iterator<Item = Line<'a>> {
        (0..stack.len()).filter_map(|index| Line::at(stack, index))
    }

    pub fn described(&self) -> String {
        format!("{} ({})", self.module.name(), self.step.place)
    }

    pub fn finding(
        &self,
        severity: Severity,
        code: &'static str,
        text: String,
        advice: &str,
    ) -> Finding {
        Finding::at(&self.step.place, severity, code, text, advice)
    }
}
