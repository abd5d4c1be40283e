"""A good `study.toml`, which tests spoil."""

TOML = """\
title = "Test study"
synthetic = ["near"]
models = ["zinb_srm"]
[dyads]
sender = "sender"
receiver = "receiver"
outcome = "services"
exposure = "years"
[formula]
selection = "near"
degree = "near + kind"
[[hypothesis]]
label = "Nearness"
term = "near"
part = "degree"
direction = "positive"
"""
