"""A plugin of pytest: a counterexample is as good as the smallest one where only its existence counts."""

from hypothesis import Phase, settings

settings.register_profile("unshrunk", phases=[Phase.explicit, Phase.generate])
settings.load_profile("unshrunk")
