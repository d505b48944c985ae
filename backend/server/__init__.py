"""HTTP: Label Studio's ML backend protocol, by our own server or under label-studio-ml."""
