"""DAC and ADC behavior: ranges, INL/DNL, noise, ENOB, offset."""
