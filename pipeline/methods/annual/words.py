"""The words of the method `annual`, for its printed report and its map."""

from pipeline.methods.phrases import Phrases

EN = Phrases(
    title="Planes of the roofs",
    subtitle="Roofs with a suitable plane, by the method annual",
    roofs="Roofs, suitable for",
    ground="Planes",
    remark="Not judged: structure, ownership, permits and monuments, noise, grid capacity, panels"
    " already there.",
)
NL = Phrases(
    title="Vlakken van de daken",
    subtitle="Daken met een geschikt dakvlak, volgens de methode annual",
    roofs="Daken, geschikt voor",
    ground="Dakvlakken",
    remark="Niet beoordeeld: constructie, eigendom, vergunningen en monumenten, geluid,"
    " netcapaciteit, panelen die er al liggen.",
)
