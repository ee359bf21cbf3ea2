"""The method `annual`: what a roof's planes give in a year."""
