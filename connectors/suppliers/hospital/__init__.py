"""What the hospital formats share: settings from TOML, admitted patient care, and HL7 version 2 messages as columns."""
