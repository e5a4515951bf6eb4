"""The floors: the least that could be deployed to do the same, written as a competent engineer would."""
