//! Walks all schedules, depth first.
//!
//! A schedule is a function that asks a [`Path`] at each point where it could go on in several
//! ways. It is run from its beginning each time: first with the first option everywhere, then with
//! the last choice that has another option changed, and so on until no choice has another. Only the
//! choices are kept between runs, so a schedule can be a black box.
//!
//! A schedule may name its state with [`Path::visit`]. If the state is known, everything that can
//! follow has been walked, and the run ends. This is right if equal states have the same futures,
//! and if no state can follow itself.

use std::{collections::HashMap, ops::ControlFlow};

/// The choices of one run, and what all runs before it have seen.
#[derive(Default)]
pub(crate) struct Path {
    /// For each choice: which option was taken, and how many there were.
    choices: Vec<(usize, usize)>,
    /// How many choices this run has made.
    made: usize,
    /// How many choices were given before the run began.
    given: usize,
    /// The states on the way, whose futures are not all walked yet. For each: how many choices led
    /// to it, and how many schedules were counted before.
    open: Vec<(usize, u64, u128)>,
    /// How many schedules follow each state whose futures are all walked.
    walked: HashMap<u64, u128>,
    pub(crate) count: Count,
}

/// What a walk has seen so far.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Count {
    /// How many schedules there are, including those that were not run because a state was known.
    pub(crate) schedules: u128,
    /// How many different states there are.
    pub(crate) states: u64,
    /// How many runs it took.
    pub(crate) runs: u64,
}

/// Whether a run goes on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Visit {
    New,
    Known,
}

impl Path {
    /// Returns a path with its first choices given, to repeat one schedule.
    pub(crate) fn given(choices: &[usize]) -> Self {
        let choices: Vec<_> = choices.iter().map(|&taken| (taken, taken + 1)).collect();
        Self { given: choices.len(), choices, ..Self::default() }
    }

    /// Chooses one of `options` options, of which there must be at least one.
    pub(crate) fn choose(&mut self, options: usize) -> usize {
        assert!(options > 0, "there is nothing to choose from");
        if options == 1 {
            return 0;
        }
        if self.made == self.choices.len() {
            self.choices.push((0, options));
        }
        let (taken, _) = self.choices[self.made];
        assert!(taken < options, "choice {} is {taken}, of {options} options", self.made);
        self.made += 1;
        taken
    }

    /// Returns whether the run before came by here too. If so, the state need not be named again.
    pub(crate) fn repeats(&self) -> bool {
        self.made < self.given
    }

    /// Names the state that the run is in. After [`Visit::Known`] the run has to end.
    pub(crate) fn visit(&mut self, state: u64) -> Visit {
        if self.repeats() {
            return Visit::New;
        }
        if let Some(schedules) = self.walked.get(&state) {
            self.count.schedules += schedules;
            return Visit::Known;
        }
        self.count.states += 1;
        self.open.push((self.made, state, self.count.schedules));
        Visit::New
    }

    /// Returns the choices of the run, such as `0.2.1`.
    pub(crate) fn name(&self) -> String {
        let taken: Vec<_> =
            self.choices[..self.made].iter().map(|(taken, _)| taken.to_string()).collect();
        taken.join(".")
    }

    /// Goes on to the next schedule. Returns false after the last one.
    fn next(&mut self) -> bool {
        self.choices.truncate(self.made);
        while self.choices.pop_if(|(taken, options)| *taken + 1 == *options).is_some() {}
        if let Some((taken, _)) = self.choices.last_mut() {
            *taken += 1;
        }
        // States before the choice that has just been changed stay open.
        while let Some((_, state, before)) =
            self.open.pop_if(|(made, ..)| *made >= self.choices.len())
        {
            self.walked.insert(state, self.count.schedules - before);
        }
        self.given = self.choices.len();
        self.made = 0;
        !self.choices.is_empty()
    }
}

/// Runs all schedules, or until one breaks. A run returns whether it came to its end, or
/// [`Visit::Known`] if it ended early.
pub(crate) fn walk<B>(
    mut run: impl FnMut(&mut Path) -> ControlFlow<B, Visit>,
) -> (Count, Option<B>) {
    let mut path = Path::default();
    loop {
        path.count.runs += 1;
        match run(&mut path) {
            ControlFlow::Break(found) => return (path.count, Some(found)),
            ControlFlow::Continue(Visit::New) => path.count.schedules += 1,
            ControlFlow::Continue(Visit::Known) => {}
        }
        if !path.next() {
            return (path.count, None);
        }
    }
}

#[cfg(test)]
mod tests;
