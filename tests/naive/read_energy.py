"""Energy of the rows of an array of plain resistors, one row, input and read after the other."""


def supplied(words, conductances, bits, dac_bits, volts, seconds):
    """Joules of all reads: rows at level l of L at ``volts`` l/L for ``seconds``; ``conductances`` of whole rows."""
    top, energy = 2**dac_bits - 1, 0.0
    for word in words:
        for digit, g in zip(word, conductances):
            for _ in range(bits // dac_bits):
                energy += (volts * (digit % 2**dac_bits) / top) ** 2 * g * seconds
                digit //= 2**dac_bits
    return energy
