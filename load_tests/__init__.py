"""Load tests: drive a running Fenliu over HTTP like the world does; import nothing from engine or classifiers."""
