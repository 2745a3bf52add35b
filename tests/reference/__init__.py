"""A slow scorer to test the fast one against.

It keeps every event of a lead in a list and works everything out anew from the definitions, each time it is asked. It
shares no code with the core. A model is the mapping that model.yaml states.
"""
